import type { Clock, Instant, Ms, Timers } from '../clock.ts';
import { stateKeyOf, type Draft, type EventId } from '../event.ts';
import type { FutureId, Refusal } from '../future.ts';
import type { Claim, Group, GroupId, TransactionMemory } from '../group.ts';
import type { RemoteHomeserver } from '../homeserver.ts';
import {
  afterAttempt,
  beginAttempt,
  draftOf,
  type Begun,
  type Guards,
  type NextStep,
} from '../rules/attempt.ts';
import { openStaged } from '../rules/batch.ts';
import { accepted, gaveUp, givenBack, provedAbsent, refused } from '../rules/delivered.ts';
import { StoreUnavailable, type Decision, type FutureStore, type World } from '../store.ts';
import type { Tokens } from '../tokens.ts';
import type { RemoteOptions } from './remote-options.ts';

export interface AttemptParts {
  readonly store: FutureStore;
  readonly homeserver: RemoteHomeserver;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly tokens: Tokens;
  readonly options: RemoteOptions;
  readonly onFired: (lateness: Ms) => void;
}

/** What whoever asked for this delivery is told first; it may go on behind. */
export type FirstOutcome =
  | { readonly kind: 'sent'; readonly event: string }
  | { readonly kind: 'refused'; readonly error: Refusal }
  | { readonly kind: 'undecided' }
  /** the claim was released or lost: look at the group again */
  | { readonly kind: 'released' };

/**
 * One claim on its way to a remote homeserver: attempts and looks, until the group is settled or the claim taken
 * back. The rules are in `rules/attempt.ts` and `rules/delivered.ts`; here is only their order and the waiting.
 */
export class Attempts {
  readonly group: GroupId;
  readonly epoch: number;
  readonly room: string;
  readonly owner: string;
  readonly first: Promise<FirstOutcome>;
  readonly over: Promise<void>;
  /** Like `over`, but never rejects. */
  readonly ended: Promise<void>;
  /** No attempt of this claim can have had an effect. */
  certain: boolean;
  #tries = 0;
  readonly #parts: AttemptParts;
  readonly #answer: (outcome: FirstOutcome) => void;
  readonly #stop = new AbortController();
  /** when the last attempt began; attempts made before a restart count as begun at the start */
  #lastBegan: Instant;
  #since: Instant;
  #delay: Ms;
  /** null: the `send_now` of a batch */
  readonly #winner: FutureId | null;
  /** of a timer's winner; null for a send by hand */
  readonly #deadline: Instant | null;

  constructor(parts: AttemptParts, claimed: Group, fresh: boolean) {
    this.#parts = parts;
    this.group = claimed.id;
    this.epoch = claimed.epoch;
    this.owner = claimed.owner;
    this.room = draftOf(claimed)?.room ?? '';
    this.certain = fresh;
    this.#lastBegan = parts.clock.now();
    this.#since = claimed.claim?.since ?? parts.clock.now();
    this.#delay = parts.options.backOff.first;
    this.#winner = claimed.claim?.winner ?? null;
    const winner = claimed.futures.find(({ id }) => id === this.#winner);
    this.#deadline = claimed.claim?.cause === 'timer' ? (winner?.deadline ?? null) : null;
    const { promise, resolve } = Promise.withResolvers<FirstOutcome>();
    this.first = promise;
    this.#answer = resolve;
    this.over = this.#run(fresh || parts.homeserver.memory === 'durable').finally(() =>
      this.#answer({ kind: 'released' }),
    );
    this.ended = this.over.catch(() => {});
  }

  /** It holds up the later ones of its room: not any more after so many attempts, looks and failures. */
  get inQueue(): boolean {
    return this.#tries < this.#parts.options.attemptsInQueue;
  }

  /** Begins nothing more. What is under way ends by itself. */
  stop(): void {
    this.#stop.abort();
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #run(attemptFirst: boolean): Promise<void> {
    let look = !attemptFirst;
    while (!this.#stopped) {
      this.#tries += 1;
      try {
        const step = look ? await this.#look() : await this.#attempt();
        if (step === 'over') return;
        look = step === 'look';
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        await this.#pause(null);
      }
    }
  }

  async #attempt(): Promise<'over' | 'attempt' | 'look'> {
    const { store, homeserver, clock, options } = this.#parts;
    const before = await store.change({ by: 'id', group: this.group }, (group) => ({
      next: group,
      answer: this.#mine(group) ? group : null,
    }));
    const draft = before && draftOf(before);
    if (!before?.claim || !draft) return 'over';
    const key = stateKeyOf(draft);
    await using lock = key === null ? null : await store.lockState(key, options.requestLimit * 2);
    if (key !== null && lock === null) return this.#notTaken(before.claim, keyIsBusy);
    const guards = await this.#guards(before, draft);
    if (guards === null) return this.#notTaken(before.claim, unreachable);
    const leaseEnd = await this.#renewed();
    if (leaseEnd === null) return 'over';
    const certainBefore = this.certain;
    const takeBack = () => (this.certain = certainBefore);
    const begun = await this.#begin(guards, certainBefore).catch((error: unknown) => {
      takeBack();
      throw error;
    });
    if (begun.kind === 'over') {
      if (begun.error !== null) this.#answer({ kind: 'refused', error: begun.error });
      return 'over';
    }
    if (begun.kind === 'look') return 'look';
    if (clock.now() + options.requestLimit > leaseEnd) {
      takeBack();
      return 'attempt';
    }
    this.#lastBegan = clock.now();
    const { timestamp } = begun.claim;
    const result = await homeserver.deliver(
      begun.draft,
      this.#transactionId(),
      timestamp,
      options.requestLimit,
    );
    return this.#follow(afterAttempt(result, certainBefore, begun.claim, homeserver.memory));
  }

  /** No request was written: the homeserver could not be asked for what has to be known before, or must not be yet. */
  #notTaken(claim: Claim, error: Refusal): Promise<'over' | 'attempt' | 'look'> {
    const result = { kind: 'not-taken', error, retryAfter: null } as const;
    return this.#follow(afterAttempt(result, this.certain, claim, this.#parts.homeserver.memory));
  }

  #transactionId(): string {
    const { tokens } = this.#parts;
    return this.#winner === null
      ? tokens.transactionId('group', this.group)
      : tokens.transactionId('future', this.#winner);
  }

  async #follow(step: NextStep): Promise<'over' | 'attempt' | 'look'> {
    switch (step.do) {
      case 'settle':
        return this.#settle(step.event);
      case 'refuse':
        await this.#write((group, claim, world) => refused(group, claim, step.error, world));
        this.#answer({ kind: 'refused', error: step.error });
        return 'over';
      case 'give-back':
        await this.#write(givenBack);
        this.#answer({ kind: 'refused', error: step.error });
        return 'over';
      case 'retry':
        this.certain = step.certain;
        if (!step.certain) this.#answer({ kind: 'undecided' });
        await this.#pause(step.notBefore);
        return 'attempt';
      case 'look':
        this.#answer({ kind: 'undecided' });
        return 'look';
    }
  }

  async #look(): Promise<'over' | 'attempt' | 'look'> {
    const { store, homeserver, clock, options } = this.#parts;
    this.#answer({ kind: 'undecided' });
    // Believed only when no earlier request can still be running: one limit to give it up, one for it to die.
    await this.#wait(this.#lastBegan + 2 * options.requestLimit - clock.now());
    if (this.#stopped) return 'over';
    const group = await store.change({ by: 'id', group: this.group }, (found) => ({
      next: found,
      answer: found,
    }));
    const draft = group && draftOf(group);
    if (!group || !draft || !this.#mine(group)) return 'over';
    const seen = await homeserver.look(draft, this.#transactionId(), this.#since);
    if (seen.kind === 'accepted') return this.#settle(seen.event);
    if (seen.kind === 'cannot-tell') {
      if (clock.now() - this.#since >= options.giveUpAfter) {
        await this.#write(gaveUp);
        return 'over';
      }
      await this.#pause(null);
      return homeserver.memory === 'durable' ? 'attempt' : 'look';
    }
    const still = await this.#write((found, claim, world) => {
      const next = provedAbsent(found, claim, world);
      if (next === found) this.certain = true;
      return next;
    });
    return still ? 'attempt' : 'over';
  }

  /** A fact: written whatever the epoch, and repeated until the store took it. */
  async #settle(event: string): Promise<'over'> {
    const { store } = this.#parts;
    for (;;) {
      try {
        await store.change({ by: 'id', group: this.group }, (group, world): Decision<null> => {
          if (group === null) return { next: null, answer: null };
          if (this.#winner !== null)
            return { next: accepted(group, this.#winner, event, world), answer: null };
          return group.phase === 'staged' ? this.#open(group, event, world) : { next: group, answer: null };
        });
        if (this.#deadline !== null) this.#parts.onFired(this.#parts.clock.now() - this.#deadline);
        this.#answer({ kind: 'sent', event });
        return 'over';
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        await this.#wait(this.#parts.options.backOff.first);
      }
    }
  }

  #open(group: Group, event: string, world: World): Decision<null> {
    return {
      next: openStaged(group, event, world),
      remember: memoryOf(group, event, world.now),
      answer: null,
    };
  }

  /** From here on the winner cannot be called off: `certain` falls in the same atomic operation. */
  #begin(guards: Guards, certain: boolean): Promise<Begun> {
    const { store, options } = this.#parts;
    return store.change<Begun>({ by: 'id', group: this.group }, (group, world) => {
      const { next, answer } = beginAttempt(group, this.epoch, certain, guards, options.giveUpAfter, world);
      if (answer.kind === 'deliver') this.certain = false;
      return { next, answer };
    });
  }

  /** null: the homeserver could not be asked. */
  async #guards(group: Group, draft: Draft): Promise<Guards | null> {
    const { homeserver } = this.#parts;
    const key = stateKeyOf(draft);
    const winner = group.futures.find(({ id }) => id === group.claim?.winner);
    try {
      const mayAct = await homeserver.mayAct(group.owner);
      if (key === null || winner?.generation !== 'futures') return { mayAct, fenceMoved: false };
      const before = winner.fence;
      const now = await homeserver.fence(key, group.owner);
      const comparable =
        before.kind !== 'untold' && before.kind !== 'unreadable' && now.kind !== 'unreadable';
      const same =
        before.kind === now.kind &&
        (before.kind !== 'event' || now.kind !== 'event' || before.event === now.event);
      return { mayAct, fenceMoved: comparable && !same };
    } catch {
      return null;
    }
  }

  /** Until when the claim is certainly ours, by our own clock; null: it is not ours any more. */
  async #renewed(): Promise<Instant | null> {
    const { store, clock, options } = this.#parts;
    const leaseEnd = clock.now() + options.lease;
    const [renewed] = await store.renew([{ group: this.group, epoch: this.epoch }], options.lease);
    return renewed === true ? leaseEnd : null;
  }

  /** A write under the claim: dropped when the epoch moved on. Answers whether the claim is still ours after it. */
  async #write(rule: (group: Group, claim: Claim, world: World) => Group | null): Promise<boolean> {
    for (;;) {
      try {
        return await this.#parts.store.change({ by: 'id', group: this.group }, (group, world) => {
          if (group === null || group.claim === null || !this.#mine(group))
            return { next: group, answer: false };
          const next = rule(group, group.claim, world);
          return { next, answer: this.#mine(next) };
        });
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        await this.#wait(this.#parts.options.backOff.first);
      }
    }
  }

  #mine(group: Group | null): boolean {
    return group !== null && group.claim !== null && group.epoch === this.epoch;
  }

  /** Longer and longer, but not before what the homeserver asked for. */
  async #pause(notBefore: Ms | null): Promise<void> {
    await this.#wait(Math.max(this.#delay, notBefore ?? 0));
    this.#delay = Math.min(this.#delay * 2, this.#parts.options.backOff.longest);
  }

  #wait(delay: Ms): Promise<void> {
    if (delay <= 0 || this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#stop.signal.removeEventListener('abort', done);
        cancel();
        resolve();
      };
      const cancel = this.#parts.timers.after(delay, done);
      this.#stop.signal.addEventListener('abort', done);
    });
  }
}

const unreachable: Refusal = {
  status: 502,
  errcode: 'M_UNKNOWN',
  error: 'The homeserver could not be reached',
};

const keyIsBusy: Refusal = {
  status: 503,
  errcode: 'M_UNKNOWN',
  error: 'Another event for the same state key is on its way; try again',
};

/** What a batch's transaction id answers, which is also its group's name. */
export function memoryOf(group: Group, sendNow: EventId | null, at: Instant): TransactionMemory {
  const futures = group.futures.map(({ id, action }) => ({ id, action }));
  return { scope: group.name, at, groupName: group.name, futures, sendNow };
}

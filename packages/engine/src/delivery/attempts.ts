import type { Clock, Instant, Ms, Timers } from '../clock.ts';
import { sameKey, stateKeyOf, type Draft, type EventId } from '../event.ts';
import type { Fence, Future, FutureId, Refusal } from '../future.ts';
import type { Claim, Group, GroupId, TransactionMemory } from '../group.ts';
import {
  HomeserverUnavailable,
  type Accepted,
  type NewState,
  type NotTaken,
  type Refused,
  type RemoteHomeserver,
  type Sent,
  type Unknown,
} from '../homeserver.ts';
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
  /** from here on no attempt can be running; attempts made before a restart count as begun at the start */
  #quietFrom: Instant;
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
    this.#quietFrom = fresh ? -Infinity : parts.clock.now() + 2 * parts.options.requestLimit;
    this.#since = claimed.claim?.since ?? parts.clock.now();
    this.#delay = parts.options.backOff.first;
    this.#winner = claimed.claim?.winner ?? null;
    const winner = claimed.futures.find(({ id }) => id === this.#winner);
    this.#deadline = claimed.claim?.cause === 'timer' ? (winner?.deadline ?? null) : null;
    const { promise, resolve } = Promise.withResolvers<FirstOutcome>();
    this.first = promise;
    this.#answer = resolve;
    this.over = this.#run(fresh || this.#remembers(claimed)).finally(() =>
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

  #remembers(claimed: Group): boolean {
    const draft = draftOf(claimed);
    return draft !== null && this.#parts.homeserver.memoryOf(draft) === 'durable';
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
    if (key !== null && lock === null) return this.#notTaken(before.claim, draft, keyIsBusy);
    const guards = await this.#guards(before, draft);
    if (guards === null) return this.#notTaken(before.claim, draft, unreachable);
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
    const began = clock.now();
    const result = await homeserver.deliver(
      begun.draft,
      this.#transactionId(),
      begun.claim.timestamp,
      options.requestLimit,
    );
    if (result.kind === 'unknown') {
      // Without a word of it: one limit to give it up, and one for it to die.
      const dead =
        result.mayRunFor === null ? began + 2 * options.requestLimit : clock.now() + result.mayRunFor;
      this.#quietFrom = Math.max(this.#quietFrom, dead);
    }
    return this.#after(result, certainBefore, begun.claim, begun.draft);
  }

  #after(
    result: Accepted | Refused | NotTaken | Unknown,
    certainBefore: boolean,
    claim: Claim,
    draft: Draft,
  ): Promise<'over' | 'attempt' | 'look'> {
    return this.#follow(afterAttempt(result, certainBefore, claim, this.#parts.homeserver.memoryOf(draft)));
  }

  /** No request was written: the homeserver could not be asked for what has to be known before, or must not be yet. */
  #notTaken(claim: Claim, draft: Draft, error: Refusal): Promise<'over' | 'attempt' | 'look'> {
    return this.#after({ kind: 'not-taken', error, retryAfter: null }, this.certain, claim, draft);
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
    // Believed only when no earlier request can still be running.
    await this.#wait(this.#quietFrom - clock.now());
    if (this.#stopped) return 'over';
    const group = await store.change({ by: 'id', group: this.group }, (found) => ({
      next: found,
      answer: found,
    }));
    const draft = group && draftOf(group);
    if (!group?.claim || !draft || !this.#mine(group)) return 'over';
    const seen = await this.#seen(this.#sent(group, group.claim, draft));
    if (seen.kind === 'accepted') return this.#settle(seen.event);
    if (seen.kind === 'cannot-tell') {
      if (clock.now() - this.#since >= options.giveUpAfter) {
        await this.#write(gaveUp);
        return 'over';
      }
      await this.#pause(null);
      return homeserver.memoryOf(draft) === 'durable' ? 'attempt' : 'look';
    }
    const still = await this.#write((found, claim, world) => {
      const next = provedAbsent(found, claim, world);
      if (next === found) this.certain = true;
      return next;
    });
    return still ? 'attempt' : 'over';
  }

  #sent(group: Group, claim: Claim, draft: Draft): Sent {
    const { clock } = this.#parts;
    return {
      draft,
      transactionId: this.#transactionId(),
      timestamp: claim.timestamp,
      since: Math.floor(claim.since + clock.wall() - clock.now()),
      fence: fenceOf(group, claim, draft),
    };
  }

  async #seen(sent: Sent): ReturnType<RemoteHomeserver['look']> {
    try {
      return await this.#parts.homeserver.look(sent);
    } catch (error) {
      if (!(error instanceof HomeserverUnavailable)) throw error;
      return { kind: 'cannot-tell' };
    }
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
    try {
      const [refusal, newState] = await Promise.all([
        this.#parts.homeserver.judgeSender(draft),
        this.#newState(group, draft),
      ]);
      return { refusal, newState };
    } catch (error) {
      if (!(error instanceof HomeserverUnavailable)) throw error;
      return null;
    }
  }

  /** Asked only where the answer can change anything. */
  async #newState(group: Group, draft: Draft): Promise<NewState> {
    const key = stateKeyOf(draft);
    const winner = group.futures.find(({ id }) => id === this.#winner);
    if (key === null || winner === undefined || winner.generation === 'delayed-events') return 'none';
    return this.#parts.homeserver.newState(key, draft.sender, winner.fence);
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

/**
 * What was current on the draft's state key before the claim. A `send_now` has no fence of its own, but whatever stands
 * on its key in the same batch has: it was read before the batch was staged.
 */
function fenceOf(group: Group, claim: Claim, draft: Draft): Fence {
  const key = stateKeyOf(draft);
  if (key === null) return { kind: 'untold' };
  const isIt = (future: Future): boolean =>
    claim.winner === null ? sameKey(stateKeyOf(future.draft), key) : future.id === claim.winner;
  return group.futures.find(isIt)?.fence ?? { kind: 'unreadable' };
}

/** What a batch's transaction id answers, which is also its group's name. */
export function memoryOf(group: Group, sendNow: EventId | null, at: Instant): TransactionMemory {
  const futures = group.futures.map(({ id, action }) => ({ id, action }));
  return { scope: group.name, at, groupName: group.name, futures, sendNow };
}

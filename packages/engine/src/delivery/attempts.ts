import type { Clock, Instant, Ms, Timers } from '../clock.ts';
import type { EventId, RoomId, UserId } from '../event.ts';
import type { Refusal } from '../future.ts';
import type { Claim, GroupId } from '../group.ts';
import {
  HomeserverUnavailable,
  type Accepted,
  type NotTaken,
  type Refused,
  type RemoteHomeserver,
  type Unknown,
} from '../homeserver.ts';
import { afterAttempt, beginAttempt, type Begun, type Guards, type NextStep } from '../rules/attempt.ts';
import { gaveUp, givenBack, provedAbsent, refused } from '../rules/delivered.ts';
import { StoreUnavailable, type FutureStore } from '../store.ts';
import type { Tokens } from '../tokens.ts';
import { sentOf, transactionIdOf, type Dispatch } from './dispatch.ts';
import type { Line } from './line.ts';
import { Outcomes } from './outcomes.ts';
import { Pauses } from './pauses.ts';
import { askBefore } from './questions.ts';
import type { RemoteOptions } from './remote-options.ts';
import { sleep } from './sleep.ts';

export interface AttemptParts {
  readonly store: FutureStore;
  readonly homeserver: RemoteHomeserver;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly tokens: Tokens;
  readonly options: RemoteOptions;
  /** of requests to the homeserver */
  readonly line: Line;
  readonly onFired: (lateness: Ms) => void;
}

/** What whoever asked for this delivery is told first; it may go on behind. */
export type FirstOutcome =
  | { readonly kind: 'sent'; readonly event: EventId }
  | { readonly kind: 'refused'; readonly error: Refusal }
  | { readonly kind: 'undecided' }
  /** the claim was released or lost: look at the group again */
  | { readonly kind: 'released' };

type Next = 'attempt' | 'look' | 'over';

type Seen = Awaited<ReturnType<RemoteHomeserver['look']>>;

/** How an attempt ended, or that it was not made. */
type Tried =
  | NextStep
  | { readonly do: 'end'; readonly error: Refusal | null }
  | { readonly do: 'again' }
  | { readonly do: 'wait-for-key' };

/** How long a send by hand waits in line, and any delivery for its state key before that counts as a failure. */
const patience: Ms = 10_000;
/** Plain requests for a key keep it for some milliseconds, and leave it free for longer than this in between. */
const keyIsLookedAtEvery: Ms = 15;

/**
 * One claim on its way to a remote homeserver: attempts and looks, until the group is settled or the claim taken
 * back. The rules are in `rules/attempt.ts` and `rules/delivered.ts`; here is only their order and the waiting.
 */
export class Attempts {
  readonly group: GroupId;
  readonly epoch: number;
  readonly room: RoomId;
  readonly owner: UserId;
  readonly first: Promise<FirstOutcome>;
  readonly over: Promise<void>;
  /** Like `over`, but never rejects. */
  readonly ended: Promise<void>;
  /** No attempt of this claim can have had an effect. */
  certain: boolean;
  /** until when the claim is certainly ours */
  leaseEnd: Instant;
  readonly #parts: AttemptParts;
  readonly #dispatch: Dispatch;
  readonly #answer: (outcome: FirstOutcome) => void;
  readonly #stopped = new AbortController();
  /** stopped, or the claim is not ours any more */
  readonly #end = new AbortController();
  readonly #pauses: Pauses;
  readonly #outcomes: Outcomes;
  #tries = 0;
  #unreached = 0;
  /** null: its state key was free when it was last looked at */
  #keyBusySince: Instant | null = null;
  /** from here on no attempt can be running; attempts made before a restart count as begun at the start */
  #quietFrom: Instant;

  constructor(parts: AttemptParts, dispatch: Dispatch, fresh: boolean) {
    const { clock, timers, options, homeserver } = parts;
    const { group, claim, draft } = dispatch;
    this.#parts = parts;
    this.#dispatch = dispatch;
    this.group = group.id;
    this.epoch = group.epoch;
    this.room = draft.room;
    this.owner = group.owner;
    this.certain = fresh;
    this.leaseEnd = claim.leaseEnd;
    this.#pauses = new Pauses(timers, options.backOff, this.#end.signal);
    this.#outcomes = new Outcomes(parts, dispatch, this.#stopped.signal);
    this.#quietFrom = fresh ? -Infinity : clock.now() + 2 * options.requestLimit;
    const { promise, resolve } = Promise.withResolvers<FirstOutcome>();
    this.first = promise;
    this.#answer = resolve;
    const attemptFirst = fresh || homeserver.memoryOf(draft) === 'durable';
    this.over = this.#run(attemptFirst ? 'attempt' : 'look').finally(() => resolve({ kind: 'released' }));
    this.ended = this.over.catch(() => {});
  }

  /**
   * It holds up the later ones of its room: not any more after so many attempts and looks. Those during which the
   * homeserver could not be reached count for much less, since an outage is not the event's fault.
   */
  get inQueue(): boolean {
    const { attemptsInQueue, unreachedInQueue } = this.#parts.options;
    return this.#tries < attemptsInQueue && this.#unreached < unreachedInQueue;
  }

  /**
   * It takes one of the places that all rooms share. What fails for itself alone, while the homeserver answers others,
   * keeps its room waiting and nobody else.
   */
  get takesPlace(): boolean {
    const { options, homeserver } = this.#parts;
    const hasFailedOften = this.#tries + this.#unreached >= options.attemptsInQueue;
    return this.inQueue && (!hasFailedOften || homeserver.isAway());
  }

  /** Begins nothing more. What is under way ends by itself. */
  stop(): void {
    this.#stopped.abort();
    this.#end.abort();
  }

  /** The claim is not ours any more. What is under way ends by itself, and what it comes to is still written down. */
  release(): void {
    this.#end.abort();
  }

  /** The homeserver answers again. */
  hurry(): void {
    this.#pauses.hurry();
  }

  async #run(first: Next): Promise<void> {
    let next = first;
    while (next !== 'over' && !this.#end.signal.aborted) {
      this.#tries += 1;
      try {
        next = next === 'look' ? await this.#look() : await this.#attempt();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        await this.#pauses.pause(null);
      }
    }
    // Whoever starts next need not find out whether it had an effect.
    const isStopped = this.#stopped.signal.aborted;
    if (isStopped && this.certain && this.#dispatch.claim.cause === 'timer')
      await this.#outcomes.write(givenBack);
  }

  async #attempt(): Promise<Next> {
    const tried = await this.#try();
    switch (tried.do) {
      case 'settle':
        return this.#settle(tried.event);
      case 'refuse':
        await this.#outcomes.write((group, claim, world) => refused(group, claim, tried.error, world));
        return this.#refused(tried.error);
      case 'give-back':
        await this.#outcomes.write(givenBack);
        return this.#refused(tried.error);
      case 'end':
        return tried.error === null ? 'over' : this.#refused(tried.error);
      case 'retry':
        this.certain = tried.certain;
        if (!tried.certain) this.#answer({ kind: 'undecided' });
        // A cancel that came during the attempt has been waiting for this.
        else if (!(await this.#outcomes.write(provedAbsent))) return 'over';
        await this.#pauses.pause(tried.notBefore);
        return 'attempt';
      case 'look':
        return 'look';
      case 'wait-for-key':
        this.#tries -= 1;
        await sleep(this.#parts.timers, keyIsLookedAtEvery, this.#end.signal);
        return 'attempt';
      case 'again':
        return 'attempt';
    }
  }

  #refused(error: Refusal): Next {
    this.#answer({ kind: 'refused', error });
    return 'over';
  }

  /** From the first question to the answer: holds a place in line, and the lock on the state key. */
  async #try(): Promise<Tried> {
    const { store, homeserver, clock, tokens, options } = this.#parts;
    const { key, draft, claim } = this.#dispatch;
    using place = await this.#enter();
    if (place === null)
      return this.#end.signal.aborted ? { do: 'end', error: null } : this.#notTaken(tooMuch);
    await using lock = key === null ? null : await store.lockState(key, options.requestLimit * 2);
    if (key !== null && lock === null) return this.#keyIsBusy();
    this.#keyBusySince = null;
    const guards = await askBefore(homeserver, this.#dispatch, this.#isRepeat);
    if (guards === null) return this.#notTaken(unreachable);
    if (this.#end.signal.aborted || !(await this.#isOurs())) return { do: 'end', error: null };
    // Its commit follows that of the claim, which may still have been under way until here.
    const certainBefore = this.certain;
    const begun = await this.#begin(guards);
    if (begun.kind === 'over') return { do: 'end', error: begun.error };
    if (begun.kind === 'look') return { do: 'look' };
    if (this.#leaseIsShort()) {
      this.certain = certainBefore;
      return { do: 'again' };
    }
    const began = clock.now();
    const transactionId = transactionIdOf(this.#dispatch, tokens);
    const result = await homeserver.deliver(draft, transactionId, claim.timestamp, options.requestLimit);
    if (result.kind === 'unknown') {
      // Without a word of it: one limit to give it up, and one for it to die.
      const { mayRunFor } = result;
      const dead = mayRunFor === null ? began + 2 * options.requestLimit : clock.now() + mayRunFor;
      this.#quietFrom = Math.max(this.#quietFrom, dead);
    }
    if (result.kind === 'not-taken' && result.retryAfter === null && result.error.status !== 429)
      this.#wasNotReached();
    return this.#after(result, certainBefore, begun.claim);
  }

  #keyIsBusy(): Tried {
    const now = this.#parts.clock.now();
    this.#keyBusySince ??= now;
    if (now - this.#keyBusySince < patience) return { do: 'wait-for-key' };
    this.#keyBusySince = null;
    return this.#notTaken(keyIsBusy);
  }

  /** null: the claim is not ours any more, or whoever asked for it would wait for too long. */
  async #enter(): Promise<Disposable | null> {
    const { line, timers } = this.#parts;
    const end = this.#end.signal;
    if (this.#dispatch.claim.cause === 'timer' || !this.certain) return line.enter(this.owner, false, end);
    const late = new AbortController();
    const cancel = timers.after(patience, () => late.abort());
    const place = await line.enter(this.owner, true, AbortSignal.any([end, late.signal]));
    cancel();
    return place;
  }

  /** No request was written: the homeserver could not be asked for what has to be known before, or must not be yet. */
  #notTaken(error: Refusal): NextStep {
    if (error === unreachable) this.#wasNotReached();
    const result = { kind: 'not-taken', error, retryAfter: null } as const;
    return this.#after(result, this.certain, this.#dispatch.claim);
  }

  #wasNotReached(): void {
    this.#tries -= 1;
    this.#unreached += 1;
  }

  #after(result: Accepted | Refused | NotTaken | Unknown, certainBefore: boolean, claim: Claim): NextStep {
    return afterAttempt(result, certainBefore, claim, this.#parts.homeserver.memoryOf(this.#dispatch.draft));
  }

  /** A request may have been made before. */
  get #isRepeat(): boolean {
    return this.#quietFrom > -Infinity;
  }

  #leaseIsShort(): boolean {
    const { clock, options } = this.#parts;
    return clock.now() + options.requestLimit > this.leaseEnd;
  }

  /** Whether the claim is certainly ours for one request, by our own clock: renewed if it might not be. */
  async #isOurs(): Promise<boolean> {
    if (!this.#leaseIsShort()) return true;
    const { store, clock, options } = this.#parts;
    const leaseEnd = clock.now() + options.lease;
    const [renewed] = await store.renew([{ group: this.group, epoch: this.epoch }], options.lease);
    if (renewed !== true) return false;
    this.leaseEnd = leaseEnd;
    return true;
  }

  /** From here on the winner cannot be called off: `certain` falls in the same atomic operation. */
  async #begin(guards: Guards): Promise<Begun> {
    const { store, options } = this.#parts;
    const { certain } = this;
    try {
      return await store.change<Begun>({ by: 'id', group: this.group }, (group, world) => {
        const begun = beginAttempt(group, this.epoch, certain, guards, options.giveUpAfter, world);
        if (begun.answer.kind === 'deliver') this.certain = false;
        return begun;
      });
    } catch (error) {
      this.certain = certain;
      throw error;
    }
  }

  async #look(): Promise<Next> {
    const { homeserver, clock, options } = this.#parts;
    this.#answer({ kind: 'undecided' });
    const began = clock.now();
    const seen = await this.#seen();
    if (seen === null) return 'over';
    if (seen.kind === 'accepted') return this.#settle(seen.event);
    if (seen.kind === 'cannot-tell') {
      if (clock.now() - this.#dispatch.claim.since >= options.giveUpAfter) {
        await this.#outcomes.write(gaveUp);
        return 'over';
      }
      await this.#pauses.pause(null);
      return homeserver.memoryOf(this.#dispatch.draft) === 'durable' ? 'attempt' : 'look';
    }
    const still = await this.#outcomes.write((found, claim, world) => {
      const next = provedAbsent(found, claim, world);
      if (next === found) this.certain = true;
      return next;
    });
    if (!still) return 'over';
    // The look's time counts, so that what was lost once is hardly held up by it.
    await this.#pauses.pause(null, clock.now() - began);
    return 'attempt';
  }

  /**
   * What is there is there. That it is not is believed only when no earlier request can still be running.
   * @returns null: it is not ours to look for any more
   */
  async #seen(): Promise<Seen | null> {
    const { clock, timers } = this.#parts;
    if (clock.now() < this.#quietFrom) {
      const early = await this.#lookOnce();
      if (early === null || early.kind === 'accepted') return early;
      await sleep(timers, this.#quietFrom - clock.now(), this.#end.signal);
    }
    const seen = await this.#lookOnce();
    if (seen?.kind !== 'unreached') return seen;
    this.#wasNotReached();
    return { kind: 'cannot-tell' };
  }

  async #lookOnce(): Promise<Seen | { readonly kind: 'unreached' } | null> {
    const { homeserver, line, tokens, clock } = this.#parts;
    using place = await line.enter(this.owner, false, this.#end.signal);
    if (place === null) return null;
    try {
      return await homeserver.look(sentOf(this.#dispatch, tokens, clock));
    } catch (error) {
      if (!(error instanceof HomeserverUnavailable)) throw error;
      return { kind: 'unreached' };
    }
  }

  async #settle(event: EventId): Promise<'over'> {
    const { clock, onFired } = this.#parts;
    const { winner, claim } = this.#dispatch;
    const at = clock.now();
    if (!(await this.#outcomes.settle(event))) return 'over';
    if (claim.cause === 'timer' && winner !== null && winner.deadline !== null) onFired(at - winner.deadline);
    this.#answer({ kind: 'sent', event });
    return 'over';
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

const tooMuch: Refusal = {
  status: 503,
  errcode: 'M_UNKNOWN',
  error: 'Too many events are on their way; try again',
};

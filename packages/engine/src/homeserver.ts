import type { Ms } from './clock.ts';
import type { Draft, EventId, StateKey, UserId } from './event.ts';
import type { Fence, Refusal } from './future.ts';

/** The event is in the room. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly event: EventId;
}
/** The room does not want it, and this attempt had no effect. */
export interface Refused {
  readonly kind: 'refused';
  readonly error: Refusal;
}
/** 429 or connection refused: certainly no effect, may be tried again. */
export interface NotTaken {
  readonly kind: 'not-taken';
  readonly error: Refusal;
  /** what the homeserver asked for; null: it said nothing, or was not reached */
  readonly retryAfter: Ms | null;
}
/** Time-out, 5xx, connection lost after the request was written: it may be in the room. */
export interface Unknown {
  readonly kind: 'unknown';
  /**
   * After this long that request certainly has no more effect. null: not known, so it is taken to live for as long
   * again as it may take
   */
  readonly mayRunFor: Ms | null;
}

/**
 * What has become of a state key since a fence. `own`: new events, all of them by the user who was asked for;
 * `unreadable`: that cannot be told, and nothing is cancelled by it.
 */
export type NewState = 'none' | 'own' | 'others' | 'unreadable';

/** One delivery, as a look has to recognise its event. */
export interface Sent {
  readonly draft: Draft;
  readonly transactionId: string;
  /** the `origin_server_ts` that was asked for: milliseconds since 1970 by the wall clock */
  readonly timestamp: number;
  /** when the claim began, in the same time: no attempt was made before */
  readonly since: number;
  /** what was current on the state key before it; `untold` for messages */
  readonly fence: Fence;
}

/**
 * The delay id of the future whose event is appended. It is shown to the event's sender alone, as
 * `org.matrix.msc4140.delay_id`, and for the generation `delayed-events` as `delay_id`, too (MSC4140, "`delay_id` in
 * `unsigned` event data"). Futures of 2024 have none.
 */
export interface Delayed {
  readonly delayId: string;
  readonly generation: 'delay-parameter' | 'delayed-events';
}

/**
 * Called by a homeserver that sees syncs, when one of a device begins. What it returns is called once, when that sync is
 * over: answered, refused because the device was logged out meanwhile, or at the moment that its connection is known to
 * be closed. In between the device is syncing, however long the poll. A client that vanishes without closing its
 * connection is noticed when the poll's own time is up. Both calls are cheap and write nothing.
 */
export type SyncListener = (user: UserId, device: string) => () => void;

/** Where a future's event goes. Two shapes with one delivery strategy each, rather than one that leaks. */
export type Homeserver = LocalHomeserver | RemoteHomeserver;

interface JudgesForm {
  /**
   * What the plain endpoints would say of the draft's form alone: its size in its final form, what its type must
   * carry. Neither the room nor the sender's rights are looked at. null: nothing is wrong.
   */
  judgeForm(draft: Draft): Refusal | null;
}

/** In this process, in the transaction of the store: what it accepts commits with the future's outcome. */
export interface LocalHomeserver extends JudgesForm {
  readonly kind: 'local';
  /**
   * Judges (membership, power, the room's rules) and appends, synchronously, inside the caller's unit of work.
   * @param timestamp `origin_server_ts`, unless the draft's extras name one
   * @param delayed what the event's sender is to find in its `unsigned`; without it, nothing
   */
  append(draft: Draft, timestamp: number, delayed?: Delayed): Accepted | Refused;
}

/**
 * Somewhere else: every answer may be lost. `judgeSender`, `fence`, `newState` and `look` reject with
 * `HomeserverUnavailable` when it cannot be asked; `deliver` never does.
 */
export interface RemoteHomeserver extends JudgesForm {
  readonly kind: 'remote';
  /**
   * `durable`: the same request again never makes a second event. `forgets`: it may. State and redactions always
   * forget.
   */
  memoryOf(draft: Draft): 'durable' | 'forgets';
  /** May the gateway act for the draft's sender in that room now? null: it may. */
  judgeSender(draft: Draft): Promise<Refusal | null>;
  /** The current state event of the key, as that user may see it. */
  fence(key: StateKey, as: UserId): Promise<Fence>;
  /** What came after the fence, as that user may see it. */
  newState(key: StateKey, as: UserId, fence: Fence): Promise<NewState>;
  /**
   * One attempt, never repeated by the adapter itself, given up after `limit`.
   * @param timestamp `origin_server_ts` in wall time, the same on repeats; what the draft's extras name, if they do
   */
  deliver(
    draft: Draft,
    transactionId: string,
    timestamp: number,
    limit: Ms,
  ): Promise<Accepted | Refused | NotTaken | Unknown>;
  /** Is the event of that delivery in the room? Asked only when no attempt can be running any more. */
  look(sent: Sent): Promise<Accepted | { readonly kind: 'absent' } | { readonly kind: 'cannot-tell' }>;
  /** Nothing can be said to it now, whatever it is about. false: it answers, at least some. */
  isAway(): boolean;
  /** `run` is called whenever the homeserver answers again after it could not be reached. */
  onReturn(run: () => void): void;
}

/** The homeserver could not be asked: nothing happened there, it may be tried again. */
export class HomeserverUnavailable extends Error {
  override readonly name = 'HomeserverUnavailable';
}

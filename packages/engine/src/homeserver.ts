import type { Ms, Instant } from './clock.ts';
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
  readonly retryAfter: Ms | null;
}
/** Time-out, 5xx, connection lost after the request was written: it may be in the room. */
export interface Unknown {
  readonly kind: 'unknown';
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
 * A homeserver that sees syncs says so: called when a sync of a device begins, it returns what is to be called when
 * that sync is over, answered or its client gone. Both are cheap and write nothing.
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

/** Somewhere else: every answer may be lost. */
export interface RemoteHomeserver extends JudgesForm {
  readonly kind: 'remote';
  /** `durable`: the same request again never makes a second event. `forgets`: after a restart it may. */
  readonly memory: 'durable' | 'forgets';
  /** May the gateway still act for this user (not deactivated, not suspended)? */
  mayAct(user: UserId): Promise<boolean>;
  fence(key: StateKey, as: UserId): Promise<Fence>;
  /**
   * One attempt, never repeated by the adapter itself, given up after `limit`.
   * @param timestamp `origin_server_ts` in wall time, the same on repeats
   */
  deliver(
    draft: Draft,
    transactionId: string,
    timestamp: number,
    limit: Ms,
  ): Promise<Accepted | Refused | NotTaken | Unknown>;
  /** Is the event of that transaction in the room? Asked only when no attempt can be running any more. */
  look(
    draft: Draft,
    transactionId: string,
    since: Instant,
  ): Promise<Accepted | { readonly kind: 'absent' } | { readonly kind: 'cannot-tell' }>;
}

import type { Instant, Ms } from './clock.ts';
import type { Draft, EventId } from './event.ts';

/** Names a future for ever: given out once, counting up from 1, never reused, below 2^48 (a token holds six bytes). */
export type FutureId = number;

/** Eight random bytes as two unsigned 32-bit numbers. A token is valid only while its nonce is its future's. */
export interface Nonce {
  readonly high: number;
  readonly low: number;
}

/** The version of the protocol a future was made by. It decides which new state invalidates it. */
export type Generation = 'futures' | 'delay-parameter' | 'delayed-events';

/** An error as the Matrix API words it. `fields` are put beside `errcode` and `error`. */
export interface Refusal {
  readonly status: number;
  readonly errcode: string;
  readonly error: string;
  readonly fields?: { readonly [name: string]: string | number | boolean };
}

export type CancelReason = 'token' | 'owner' | 'state' | 'group' | 'deactivated';

export type Outcome =
  | { readonly kind: 'sent'; readonly at: Instant; readonly event: EventId }
  | { readonly kind: 'failed'; readonly at: Instant; readonly error: Refusal }
  | { readonly kind: 'cancelled'; readonly at: Instant; readonly reason: CancelReason };

/**
 * The state event that was current when a state future was made: a push of that very event invalidates nothing.
 * `untold` with a homeserver inside, where state arrives in order and the order alone decides.
 */
export type Fence =
  { readonly kind: 'event'; readonly event: EventId } | { readonly kind: 'absent' | 'unreadable' | 'untold' };

/**
 * ```
 * staged ─▶ scheduled ─▶ sent(event) | failed(error) | cancelled(token | owner | state | group | deactivated)
 * ```
 * `staged`: part of a batch whose `send_now` is being delivered; no timer, no live token.
 */
export interface Future {
  readonly id: FutureId;
  readonly nonce: Nonce;
  readonly generation: Generation;
  readonly draft: Draft;
  /** Its name in `send_on_action` of the batch that made it; null for every other future. Stores keep it. */
  readonly action: string | null;
  /** The device of its owner whose syncs restart the timer; null: none do. */
  readonly heartbeat: string | null;
  /** Milliseconds from the last refresh to the deadline; null for an action future. */
  readonly timeout: Ms | null;
  /** A whole number of milliseconds; null for an action future and while staged. */
  readonly deadline: Instant | null;
  readonly fence: Fence;
  /** How many state events the store had taken in when this one was made: only later ones can invalidate it. */
  readonly stateOrder: number;
  /** When it was made, or last refreshed. */
  readonly since: Instant;
  readonly status: 'staged' | 'scheduled' | 'finished';
  /** null until finished */
  readonly outcome: Outcome | null;
}

import type { Instant } from './clock.ts';
import type { Draft, EventId, UserId } from './event.ts';
import type { CancelReason, Future, FutureId } from './future.ts';

/** Internal, never reused. Clients know a group by its name, which belongs to its owner. */
export type GroupId = number;

/**
 * Mutually exclusive futures of one owner: at most one of them ever becomes an event.
 *
 * ```
 * staged ─▶ open ⇄ claimed ─▶ sent      the name is used up: nothing can be added (409)
 *    │        └───────┴─────▶ closed    nothing was sent: the name is free
 *    └▶ (deleted)
 * ```
 * A group that ends after an attempt of unknown outcome is `sent` even if no event of it was ever seen: its name must
 * never be free again, because an event of it may exist.
 */
export interface Group {
  readonly id: GroupId;
  readonly owner: UserId;
  readonly name: string;
  readonly phase: 'staged' | 'open' | 'claimed' | 'sent' | 'closed';
  /** Goes up with every claim and take-over. A write made under an older one is dropped. */
  readonly epoch: number;
  /** Set while claimed, and while the `send_now` of a staged batch is being delivered. */
  readonly claim: Claim | null;
  /** The event of a staged batch that comes first; null in every other phase. */
  readonly sendNow: Draft | null;
  readonly futures: readonly Future[];
  /** When it became sent or closed; null before. */
  readonly endedAt: Instant | null;
}

/** Names the winner of a group durably while its event is on its way to a remote homeserver. */
export interface Claim {
  /** null: the `send_now` of a staged batch */
  readonly winner: FutureId | null;
  readonly cause: 'timer' | 'token';
  readonly node: string;
  /** Server time until which `node` alone may make attempts. */
  readonly leaseEnd: Instant;
  /** When the claim was made. Kept by take-overs: 24 hours of unknown are counted from here. */
  readonly since: Instant;
  /** `origin_server_ts` of every attempt, in wall time. */
  readonly timestamp: number;
  /** Another node took the delivery over: whatever ends this claim, the group never reopens. */
  readonly taken: boolean;
  /** The winner was cancelled while an attempt may be in the room: never sent again, only looked for. */
  readonly doomed: CancelReason | null;
}

/**
 * What a transaction id answered. No token is kept, only the futures that the tokens are made from
 * (lifecycle of transaction ids: replay comes after authentication and before every other check).
 */
export interface TransactionMemory {
  /** hash of user, device, operation and canonical path */
  readonly scope: string;
  readonly at: Instant;
  readonly groupName: string;
  readonly futures: readonly { readonly id: FutureId; readonly action: string | null }[];
  /** the event of a batch's `send_now` */
  readonly sendNow: EventId | null;
}

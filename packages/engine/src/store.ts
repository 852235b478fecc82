import type { Instant, Ms } from './clock.ts';
import type { EventId, StateKey, UserId } from './event.ts';
import type { Future, FutureId, Generation, Nonce } from './future.ts';
import type { Group, GroupId, TransactionMemory } from './group.ts';
import type { MarkOf } from './state-mark.ts';

/** What a rule may know beside the group it decides over. Everything is read inside the same atomic operation. */
export interface World {
  readonly now: Instant;
  readonly markOf: MarkOf;
  /** How many state events the store has taken in: what a new future's `stateOrder` becomes. */
  readonly stateOrder: number;
  readonly ownerActive: boolean;
  readonly usage: Usage;
  newFutureId(): FutureId;
  newGroupId(): GroupId;
}

/** What an owner has scheduled: staged and scheduled futures, not finished ones. */
export interface Usage {
  readonly pending: number;
  /** bytes of their contents as JSON */
  readonly contentBytes: number;
  /** how many of them stand on one state key */
  onKey(key: StateKey): number;
  /** deadline of the one due next; null: none */
  readonly nextDeadline: Instant | null;
}

/** Synchronous and pure (a remote store may run it twice). Sees one locked group, returns its next form. */
export type Decide<R> = (group: Group | null, world: World) => Decision<R>;

/** Like `Decide`, for the group of a due future (`due`) or of an expired lease (`due` null). */
export type DecideDue<R> = (group: Group, due: FutureId | null, world: World) => Decision<R>;

export interface Decision<R> {
  /** The group as it shall be. The very object that was handed in: nothing is written. null: deleted. */
  readonly next: Group | null;
  readonly remember?: TransactionMemory;
  readonly answer: R;
}

export type GroupRef =
  /** the staged, open, claimed or sent group of that name; null when there is none (a closed one is not found) */
  | { readonly by: 'name'; readonly owner: UserId; readonly name: string }
  /** whatever its phase */
  | { readonly by: 'future'; readonly future: FutureId }
  | { readonly by: 'id'; readonly group: GroupId };

/** A decoded token: valid while `nonce` is the future's. */
export interface Capability {
  readonly future: FutureId;
  readonly nonce: Nonce;
  /** non-null: valid for futures of this generation only (a bare delay id) */
  readonly generation: Generation | null;
}

export interface FoundFuture {
  readonly future: Future;
  readonly group: Group;
  /** false: finished for so long, or before so many others, that it has left its owner's list, content and all */
  readonly listed: boolean;
}

export type Filter = 'running' | 'finished';

export interface Page {
  /** with the name of the group each belongs to */
  readonly futures: readonly { readonly future: Future; readonly groupName: string }[];
  /** hand it back for the next page; null: this was the last */
  readonly next: string | null;
}

/** How long finished things are kept. */
export interface Retention {
  /** how long an outcome stays in its owner's list */
  readonly listed: Ms;
  /** how many outcomes an owner's list holds at most */
  readonly listedPerOwner: number;
  /** how long names of sent groups, finished futures and transaction ids stay known, whatever their number */
  readonly tombstones: Ms;
}

/**
 * The port to what is durable. Each method is one atomic operation; its promise resolves after the commit that made
 * it durable, and rejects with `StoreUnavailable` when nothing of it happened.
 *
 * An `in-process` store does the work of `change`, `changeDue`, `refresh`, `stateArrived` and `deactivate` before it
 * returns the promise, inside the turn's transaction: a local homeserver's append, made within a `Decide`, commits
 * with it or not at all.
 *
 * All implementations pass `storeConformance` (`@matrix-futures/engine/conformance`).
 */
export interface FutureStore extends AsyncDisposable {
  readonly unit: 'in-process' | 'remote';

  change<R>(group: GroupRef, decide: Decide<R>): Promise<R>;

  /**
   * Groups with a future whose deadline is reached, and claimed or staged groups whose lease has expired, by deadline
   * and then id; at most `limit`. A future is due while it is scheduled and its group open; a due one on which the
   * decision changed nothing is not offered again in this call. With very many overdue at once, a call may offer
   * fewer than there are, even none, and the next goes on. A decision that throws undoes the whole call.
   * @param passOver asked about each due future before its group is read: true, it is not offered and does not count
   */
  changeDue<R>(
    limit: number,
    decide: DecideDue<R>,
    passOver?: (future: FutureId) => boolean,
  ): Promise<readonly R[]>;

  /**
   * The hot path. Sets the deadline of each to now + its timeout, rounded up. null: not refreshed here, because it is
   * not live (unknown, wrong nonce, wrong generation, finished, dead by state, owner inactive), has no timer, or its
   * group is claimed: `change` has the whole rule and the reason.
   */
  refresh(capabilities: readonly Capability[]): Promise<readonly (Instant | null)[]>;

  /** All claimed and staged groups, by id: what a node resumes when it starts. */
  claimed(): Promise<readonly Group[]>;

  /** Lengthens leases that are still this claim's; false: the claim is no longer ours. */
  renew(claims: readonly { group: GroupId; epoch: number }[], lease: Ms): Promise<readonly boolean[]>;

  /**
   * A new state event is in the room. Constant time: only the key's mark moves, and only for keys that a future
   * stands on. The rows of what it invalidated follow in `sweep`.
   */
  stateArrived(key: StateKey, event: EventId, sender: UserId): Promise<void>;

  /** Somebody with a pending (staged or scheduled) future on that key; null: nobody stands on it. */
  ownerOn(key: StateKey): Promise<UserId | null>;

  /** From here on the owner's futures are dead. Constant time; the rows follow in `sweep`. */
  deactivate(owner: UserId): Promise<void>;

  /** Held from the last look at the fence until the event's id is known. null: somebody else holds it. */
  lockState(key: StateKey, lease: Ms): Promise<AsyncDisposable | null>;

  /**
   * One bounded step of cleaning, at most `limit` rows: groups with futures that died by state or deactivation are
   * handed to `bury`, old outcomes and tombstones are removed. Returns how many rows it dealt with; 0: clean.
   */
  sweep(limit: number, bury: Decide<void>): Promise<number>;

  find(future: FutureId): Promise<FoundFuture | null>;
  /** `running`: alive ones (scheduled, not dead by state, owner active) by id; `finished` latest first. `page` is what the last page's `next` said; null: the first. */
  list(owner: UserId, filter: Filter, page: string | null): Promise<Page>;
  /** Those in the owner's list of outcomes that became one of these events, in no order. */
  sentAs(owner: UserId, events: ReadonlySet<EventId>): Promise<readonly Future[]>;
  recall(scope: string): Promise<TransactionMemory | null>;
  usage(owner: UserId): Promise<Usage>;

  /** The deadline or lease end that comes first; a hint, null: none. */
  nextDue(): Instant | null;
  /** `wake` is called when `nextDue` moved to an earlier instant. */
  onHint(wake: () => void): void;
}

/** The store could not commit: nothing of the operation happened, it may be tried again. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

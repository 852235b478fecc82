import type { Ms } from '../clock.ts';
import type { Draft, UserId } from '../event.ts';
import type { Future, FutureId, Refusal } from '../future.ts';
import type { Holder } from '../holder.ts';
import type { Group, TransactionMemory } from '../group.ts';
import type { NewFuture, OverLimit } from '../rules/add.ts';
import type { DecideDue } from '../store.ts';

/** How an action on one future ended. */
export type UseAnswer =
  | { readonly kind: 'done' }
  /** unknown, used up or invalidated */
  | { readonly kind: 'gone' }
  /** a restart of a future that has no timer */
  | { readonly kind: 'no-timer' }
  /** the room's own error; the future is as it was */
  | { readonly kind: 'refused'; readonly error: Refusal }
  | { readonly kind: 'limited'; readonly retryAfter: Ms }
  /** whether the event is in the room is not known yet; it goes on behind */
  | { readonly kind: 'undecided' }
  /** another future of the group is on its way, and has been for too long to wait */
  | { readonly kind: 'busy' };

export interface NewBatch {
  readonly owner: UserId;
  /** null: the futures go into force at once */
  readonly sendNow: Draft | null;
  readonly futures: readonly NewFuture[];
  /** scope of the transaction id; also the group's name, so that a repeat after a crash finds the staged group */
  readonly scope: string;
}

export type BatchAnswer =
  | { readonly kind: 'opened'; readonly memory: TransactionMemory; readonly futures: readonly Future[] }
  | { readonly kind: 'refused'; readonly error: Refusal }
  | { readonly kind: 'undecided' }
  /** a group of that name is there already, and is not this batch */
  | { readonly kind: 'conflict'; readonly why: 'already-sent' }
  | OverLimit;

export interface Claimed {
  readonly group: Group;
  /** false: taken up after a restart or from another node, so an attempt may have been made */
  readonly fresh: boolean;
}

/** What becomes of the due futures that one `changeDue` offers: one decision for all of them. */
export interface Round {
  /** What it answers is handed to `begin`. */
  readonly decide: DecideDue<Claimed | null>;
  /** It was offered before, and has to wait still: its group need not be read to know it. */
  readonly passOver: (future: FutureId) => boolean;
}

/** How events get into a room: at once where the homeserver is inside, by claims and attempts where it is not. */
export interface Delivery {
  /** No attempt of this group's claim can have had an effect. */
  certainOf(group: Group): boolean;
  /** An event and its outcome are one commit: nothing has to begin after it. */
  readonly atOnce: boolean;
  /** false: as much is under way as may be, and nothing due would be taken */
  ready(): boolean;
  /** For one `changeDue`. */
  round(): Round;
  /** @param commit of the claim: before it resolves nothing is sent, and if it rejects nothing ever */
  begin(claimed: Claimed, commit: Promise<unknown>): void;
  /**
   * A group as a rule has left it, and as it is committed: what is under way for a claim it has no more ends at once, and
   * what is to be called off is looked for at once.
   */
  committed(group: Group): void;
  send(holder: Holder): Promise<UseAnswer>;
  /** Waits until the delivery under way in this group is over, at most `limit`. */
  over(group: Group, limit: Ms): Promise<void>;
  openBatch(batch: NewBatch): Promise<BatchAnswer>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

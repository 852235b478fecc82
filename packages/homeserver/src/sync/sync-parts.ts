import type { UserId } from '@matrix-futures/engine';
import type { AccountDataStore } from '../account-data/account-data-store.ts';
import type { PushRuleStore } from '../push-rules/push-rule-store.ts';
import type { ReceiptStore } from '../receipts/receipt-store.ts';
import type { ClientEvents, Viewer } from '../rooms/client-event.ts';
import type { RoomStore } from '../rooms/room-store.ts';
import type { Typing } from '../typing/typing.ts';
import type { Activity } from './activity.ts';
import type { Summarize } from './summary.ts';
import type { SyncFilter } from './sync-filter.ts';
import type { StateField } from './sync-request.ts';
import type { CountUnread } from './unread.ts';
import type { WholeState } from './whole-state.ts';

/** What a sync is read from. All of it is read inside a unit. */
export interface SyncParts {
  readonly activity: Activity;
  readonly store: RoomStore;
  readonly events: ClientEvents;
  readonly accountData: AccountDataStore;
  readonly pushRules: PushRuleStore;
  readonly receipts: ReceiptStore;
  readonly typing: Typing;
  readonly wholeState: WholeState;
  readonly summarize: Summarize;
  readonly countUnread: CountUnread;
}

/** What a client asks for. */
export interface SyncRequest {
  readonly viewer: Viewer;
  /** the position up to which the client knows everything; null: nothing yet */
  readonly since: number | null;
  /** all state of the rooms, not only what changed */
  readonly fullState: boolean;
  readonly filter: SyncFilter;
  readonly stateField: StateField;
}

/** A request, and the moment its answer tells of. */
export interface Snapshot extends SyncRequest {
  /** everything up to this position and nothing after it is told: the next token */
  readonly upTo: number;
  /** whose messages and invites the user does not want (`m.ignored_user_list`) */
  readonly ignored: ReadonlySet<UserId>;
}

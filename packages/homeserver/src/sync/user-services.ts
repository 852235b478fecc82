import type { Clock, JsonObject, LocalHomeserver, Timers } from '@matrix-futures/engine';
import type { Endpoint } from '@matrix-futures/http';
import type { Database } from '@matrix-futures/sqlite';
import { accountDataMigrations, openAccountDataStore } from '../account-data/account-data-store.ts';
import { getAccountData, putAccountData } from '../account-data/account-data-endpoints.ts';
import { createFilter } from '../filters/create-filter.ts';
import { filterMigrations, openFilterStore } from '../filters/filter-store.ts';
import { getFilter } from '../filters/get-filter.ts';
import { changeProfile } from '../profile/change-profile.ts';
import { getProfile, type UserExists } from '../profile/get-profile.ts';
import { createMemberEvents } from '../profile/member-events.ts';
import type { ProfileStore } from '../profile/profile-store.ts';
import { deletePushRule } from '../push-rules/delete-push-rule.ts';
import {
  getGlobalPushRules,
  getPushRule,
  getPushRuleParts,
  getPushRules,
} from '../push-rules/get-push-rules.ts';
import { openPushRuleStore, pushRuleMigrations } from '../push-rules/push-rule-store.ts';
import { putPushRuleParts } from '../push-rules/put-push-rule-part.ts';
import { putPushRule } from '../push-rules/put-push-rule.ts';
import { createMarkers } from '../receipts/markers.ts';
import { postReadMarkers } from '../receipts/post-read-markers.ts';
import { postReceipt } from '../receipts/post-receipt.ts';
import { openReceiptStore, receiptMigrations } from '../receipts/receipt-store.ts';
import type { RoomVersionId } from '../room-versions/room-version.ts';
import type { ClientEvents } from '../rooms/client-event.ts';
import type { RoomState } from '../rooms/room-state.ts';
import type { RoomStore } from '../rooms/room-store.ts';
import type { Notifier } from '../stream/notifier.ts';
import type { Positions } from '../stream/positions.ts';
import { putTyping } from '../typing/put-typing.ts';
import { openTyping } from '../typing/typing.ts';
import { getRtcTransports, getTurnServer } from '../versions/calls.ts';
import { getCapabilities } from '../versions/capabilities.ts';
import { getKeyBackupVersion } from '../versions/key-backup.ts';
import { getVersions } from '../versions/versions.ts';
import { getWellKnown } from '../versions/well-known.ts';
import { openActivity } from './activity.ts';
import { getSync, type EndPolls } from './get-sync.ts';
import { createSummaries } from './summary.ts';
import { createUnreadCounts } from './unread.ts';
import { createWholeState } from './whole-state.ts';

export interface UserServicesOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly positions: Positions;
  readonly notifier: Notifier;
  readonly store: RoomStore;
  readonly state: RoomState;
  readonly events: ClientEvents;
  readonly profiles: ProfileStore;
  readonly homeserver: Pick<LocalHomeserver, 'append'>;
  readonly userExists: UserExists;
  readonly defaultRoomVersion: RoomVersionId;
  /** where clients reach the server; null: nobody said */
  readonly publicUrl: string | null;
  /** further flags of `/versions`, and further capabilities, by those who serve them */
  readonly features: () => Readonly<Record<string, boolean>>;
  readonly capabilities: () => JsonObject;
}

/** Everything a user has of the server beside their account and the rooms themselves, and `/sync`, which tells of all. */
export interface UserServices {
  readonly endpoints: readonly Endpoint[];
  readonly endPolls: EndPolls;
}

/** Brings its tables up to date, and wires itself. */
export function openUserServices(options: UserServicesOptions): UserServices {
  const { database, clock, timers, positions, notifier, store, events, profiles } = options;
  const { turn } = database;
  database.migrate('homeserver-filters', filterMigrations);
  database.migrate('homeserver-account-data', accountDataMigrations);
  database.migrate('homeserver-push-rules', pushRuleMigrations);
  database.migrate('homeserver-receipts', receiptMigrations);

  const activity = openActivity(database, positions, store);
  const filters = openFilterStore(database);
  const accountData = openAccountDataStore(database, positions, notifier);
  const pushRules = openPushRuleStore(database, positions, notifier);
  const receipts = openReceiptStore(database, positions, notifier, activity.ephemeral);
  const typing = openTyping(turn, timers, positions, notifier, activity.ephemeral);
  const markers = createMarkers(store, receipts, accountData);
  const memberEvents = createMemberEvents(turn, clock, timers, store, profiles, options.homeserver);
  const sync = getSync(turn, clock, timers, notifier, filters, {
    activity,
    store,
    events,
    accountData,
    pushRules,
    receipts,
    typing,
    wholeState: createWholeState(database, store),
    summarize: createSummaries(database, store),
    countUnread: createUnreadCounts(turn, store, options.state, events, pushRules, receipts),
  });

  return {
    endPolls: sync.endPolls,
    endpoints: [
      sync.endpoint,
      createFilter(turn, filters),
      getFilter(turn, filters),
      putAccountData(turn, accountData),
      getAccountData(turn, accountData, pushRules),
      getPushRules(turn, pushRules),
      getGlobalPushRules(turn, pushRules),
      getPushRule(turn, pushRules),
      ...getPushRuleParts(turn, pushRules),
      putPushRule(turn, pushRules),
      ...putPushRuleParts(turn, pushRules),
      deletePushRule(turn, pushRules),
      putTyping(turn, store, typing),
      postReceipt(turn, clock, markers),
      postReadMarkers(turn, clock, markers),
      getProfile(turn, profiles, options.userExists),
      ...changeProfile(turn, profiles, memberEvents),
      getVersions(options.features),
      getCapabilities(options.defaultRoomVersion, options.capabilities),
      getWellKnown(options.publicUrl),
      getTurnServer(),
      getRtcTransports(),
      getKeyBackupVersion(),
    ],
  };
}

import type { Clock, JsonObject, LocalHomeserver, Timers } from '@matrix-futures/engine';
import type { Endpoint } from '@matrix-futures/http';
import type { Database } from '@matrix-futures/sqlite';
import { accountDataMigrations, openAccountDataStore } from './account-data/account-data-store.ts';
import { getAccountData, putAccountData } from './account-data/account-data-endpoints.ts';
import { tagEndpoints } from './account-data/tags.ts';
import { getRtcTransports, getTurnServer } from './discovery/calls.ts';
import { getCapabilities } from './discovery/capabilities.ts';
import { getKeyBackupVersion } from './discovery/key-backup.ts';
import { getVersions } from './discovery/versions.ts';
import { getWellKnown } from './discovery/well-known.ts';
import { createFilter } from './filters/create-filter.ts';
import { filterMigrations, openFilterStore } from './filters/filter-store.ts';
import { getFilter } from './filters/get-filter.ts';
import { changeProfile } from './profile/change-profile.ts';
import { getProfile, type UserExists } from './profile/get-profile.ts';
import { createRateLimiter, type Rate, type RateLimiter } from './limits/rate-limiter.ts';
import { createMemberEvents } from './profile/member-events.ts';
import type { ProfileStore } from './profile/profile-store.ts';
import { deletePushRule } from './push-rules/delete-push-rule.ts';
import {
  getGlobalPushRules,
  getPushRule,
  getPushRuleParts,
  getPushRules,
} from './push-rules/get-push-rules.ts';
import { openPushRuleStore, pushRuleMigrations } from './push-rules/push-rule-store.ts';
import { putPushRuleParts } from './push-rules/put-push-rule-part.ts';
import { putPushRule } from './push-rules/put-push-rule.ts';
import { createMarkers } from './receipts/markers.ts';
import { postReadMarkers } from './receipts/post-read-markers.ts';
import { postReceipt } from './receipts/post-receipt.ts';
import { openReceiptStore, receiptMigrations } from './receipts/receipt-store.ts';
import type { RoomVersionId } from './room-versions/room-version.ts';
import type { ClientEvents } from './rooms/client-event.ts';
import type { RoomState } from './rooms/room-state.ts';
import type { RoomStore } from './rooms/room-store.ts';
import type { Notifier } from './stream/notifier.ts';
import type { Positions } from './stream/positions.ts';
import { RecentRooms } from './stream/recent-rooms.ts';
import { openActivity } from './sync/activity.ts';
import { getSync, type EndPolls, type Polling } from './sync/get-sync.ts';
import { createSummaries } from './sync/summary.ts';
import { createUnreadCounts } from './sync/unread.ts';
import { createWholeState } from './sync/whole-state.ts';
import { putTyping } from './typing/put-typing.ts';
import { openTyping } from './typing/typing.ts';

export interface UserServicesOptions extends Pick<Polling, 'isLoggedIn' | 'onSync'> {
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
  /** false lifts all limits per user, for tests and benchmarks. */
  readonly rateLimits: boolean;
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

/** What clients do while their user types and reads is far below; each wakes everybody in the room. */
const writeRate: Rate = { burst: 200, perSecond: 20 };
/** A change of the profile is an event in every room the user is in. */
const profileRate: Rate = { burst: 10, perSecond: 0.2 };

/** Brings its tables up to date, and wires itself. */
export function openUserServices(options: UserServicesOptions): UserServices {
  const { database, clock, timers, positions, notifier, store, events, profiles } = options;
  const { turn } = database;
  database.migrate('homeserver-filters', filterMigrations);
  database.migrate('homeserver-account-data', accountDataMigrations);
  database.migrate('homeserver-push-rules', pushRuleMigrations);
  database.migrate('homeserver-receipts', receiptMigrations);

  const ephemeral = new RecentRooms(positions.current());
  const filters = openFilterStore(database);
  const accountData = openAccountDataStore(database, positions, notifier);
  const pushRules = openPushRuleStore(database, positions, notifier);
  const receipts = openReceiptStore(database, positions, notifier, ephemeral);
  const typing = openTyping(turn, timers, positions, notifier, ephemeral);
  const activity = openActivity(database, positions, store, ephemeral, (room, user) => {
    const left = typing.isTyping(room, user) && store.membership(room, user)?.membership !== 'join';
    if (left) typing.stop(room, user);
  });
  const markers = createMarkers(store, receipts, accountData);
  const memberEvents = createMemberEvents(turn, clock, timers, store, profiles, options.homeserver);
  const sync = getSync(
    { ...options, turn, filters },
    {
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
    },
  );

  const limited = (rate: Rate, endpoints: readonly Endpoint[]): readonly Endpoint[] =>
    options.rateLimits ? limitRate(createRateLimiter(clock, rate), endpoints) : endpoints;
  return {
    endPolls: sync.endPolls,
    endpoints: [
      sync.endpoint,
      getFilter(turn, filters),
      getAccountData(turn, accountData, pushRules),
      getPushRules(turn, pushRules),
      getGlobalPushRules(turn, pushRules),
      getPushRule(turn, pushRules),
      ...getPushRuleParts(turn, pushRules),
      getProfile(turn, profiles, options.userExists),
      ...limited(writeRate, [
        createFilter(turn, filters),
        putAccountData(turn, accountData),
        ...tagEndpoints(turn, accountData),
        putPushRule(turn, pushRules),
        ...putPushRuleParts(turn, pushRules),
        deletePushRule(turn, pushRules),
        putTyping(turn, store, typing),
        postReceipt(turn, clock, markers),
        postReadMarkers(turn, clock, markers),
      ]),
      ...limited(profileRate, changeProfile(turn, profiles, memberEvents)),
      getVersions(options.features),
      getCapabilities(options.defaultRoomVersion, options.capabilities),
      getWellKnown(options.publicUrl),
      getTurnServer(),
      getRtcTransports(),
      getKeyBackupVersion(),
    ],
  };
}

/** Takes from the requester's bucket before anything else is done. */
function limitRate(limiter: RateLimiter, endpoints: readonly Endpoint[]): readonly Endpoint[] {
  return endpoints.map((one) => ({
    ...one,
    answer: async (incoming) => {
      if (incoming.requester !== null) limiter.take(incoming.requester.user);
      return one.answer(incoming);
    },
  }));
}

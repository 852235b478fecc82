import type { StateKey, SyncListener, UserId } from '@matrix-futures/engine';
import { openAccountStore } from './accounts/account-store.ts';
import type { Accounts } from './accounts/accounts.ts';
import { accountEndpoints } from './accounts/endpoints.ts';
import { createPasswords } from './accounts/passwords.ts';
import { openApplicationServices } from './application-services/application-services.ts';
import { createAuthenticate } from './application-services/authenticate.ts';
import type { Pushes } from './application-services/pushes.ts';
import { isUnlimited, openServices } from './application-services/services.ts';
import { openAccessTokens } from './devices/access-tokens.ts';
import { openDeviceStore } from './devices/device-store.ts';
import type { EmbeddedHomeserver, HomeserverOptions } from './embedded-homeserver.ts';
import { openIdentity } from './identity.ts';
import { createRateLimiter, unlimited, type Rate, type RateLimiter } from './limits/rate-limiter.ts';
import { ownManner } from './manner.ts';
import { oddManner } from './quirks/odd-manner.ts';
import { openProfileStore, profileMigrations } from './profile/profile-store.ts';
import { shownContent } from './profile/member-events.ts';
import { createAppend, type NewStateListener } from './rooms/append.ts';
import { createClientEvents } from './rooms/client-event.ts';
import { roomEndpoints } from './rooms/endpoints.ts';
import { putState } from './rooms/endpoints/put-state.ts';
import { sendEvent } from './rooms/endpoints/send.ts';
import { openEventWriter } from './rooms/event-writer.ts';
import { leaveRooms } from './rooms/leave-rooms.ts';
import { createLocalHomeserver } from './rooms/local-homeserver.ts';
import { openRoomState } from './rooms/room-state.ts';
import { openRoomStore } from './rooms/room-store.ts';
import type { MessageRate, Rooms } from './rooms/rooms.ts';
import { hasSent } from './rooms/sending.ts';
import { migrate } from './schema/migrate.ts';
import { createNotifier } from './stream/notifier.ts';
import { openPositions } from './stream/positions.ts';
import { openUserServices } from './user-services.ts';

/** Far above what a person or a call does, far below what a runaway script does. */
const messageRate: Rate = { burst: 200, perSecond: 50 };
/** A password is tried some 17,000 times a day at most. */
const passwordRate: Rate = { burst: 10, perSecond: 0.2 };
/** Several people behind one router log in and register. */
const addressRate: Rate = { burst: 60, perSecond: 1 };

/**
 * Opens a homeserver on a database, whose tables it brings up to date.
 * @throws WrongServerName, SchemaTooNew, BadRegistration
 */
export async function openHomeserver(options: HomeserverOptions): Promise<EmbeddedHomeserver> {
  const { database, clock, timers, randomness, serverName } = options;
  const { turn } = database;
  const applications = openServices(options.applicationServices ?? [], serverName);
  migrate(database);
  database.migrate('homeserver-profile', profileMigrations);
  const onError = options.onError ?? (() => {});
  const manner =
    options.quirks === undefined ? ownManner : oddManner(options.quirks, { database, clock, timers });
  const defaultRoomVersion = manner.defaultRoomVersion ?? options.defaultRoomVersion;
  const signingKey = await openIdentity(database, serverName, randomness);
  const limit = (rate: Rate): RateLimiter =>
    options.rateLimits ? createRateLimiter(clock, rate) : unlimited;

  const stateListeners: NewStateListener[] = [];
  const deactivationListeners: ((user: UserId) => void)[] = [];
  const syncListeners: SyncListener[] = [];

  const positions = openPositions(database);
  const store = openRoomStore(database);
  const writer = openEventWriter(database);
  const profiles = openProfileStore(database);
  const notifier = createNotifier(turn, (room) => store.joinedMembers(room));
  const state = openRoomState(turn, store);
  let pushes: Pushes | null = null;
  const append = createAppend({
    turn,
    store,
    writer,
    positions,
    notifier,
    serverName,
    signingKey,
    state,
    judging: manner.judging,
    onNewState: (key: StateKey, event, sender) => {
      for (const listener of stateListeners) listener(key, event, sender);
    },
    onEvent: () => pushes?.eventAppended(),
  });

  const events = createClientEvents(store, manner.shown, () => clock.wall());
  const messages = limit(messageRate);
  const sent: MessageRate = {
    take(requester) {
      if (!isUnlimited(applications, requester)) messages.take(requester.user);
    },
  };
  const rooms: Rooms = {
    turn,
    clock,
    store,
    writer,
    append,
    positions,
    serverName,
    events,
    profileOf: (user) => shownContent({}, profiles.of(user)),
    messageRate: sent,
    sending: manner.sending({ turn, writer, messageRate: sent }),
    reading: manner.reading,
    mayDate: ({ accessToken }) => manner.everybodyDates || applications.ofToken(accessToken) !== null,
    defaultRoomVersion,
    newRoomId: () => `!${Buffer.from(randomness.bytes(18)).toString('base64url')}:${serverName}`,
  };

  const accountStore = openAccountStore(database);
  const tokens = openAccessTokens(database, randomness, (user) => notifier.wake([user]));
  const devices = openDeviceStore(database);
  const accounts: Accounts = {
    turn,
    clock,
    randomness,
    tokens,
    serverName,
    devices,
    services: applications,
    store: accountStore,
    passwords: createPasswords(randomness),
    openRegistration: options.openRegistration,
    rates: {
      registration: limit(addressRate),
      login: limit(addressRate),
      password: limit(passwordRate),
    },
    onDeactivated: (user) => {
      for (const listener of deactivationListeners) listener(user);
    },
    leaveRooms(user) {
      const parting = leaveRooms(rooms, timers, user);
      return manner.partsLater ? Promise.resolve(void parting.catch(onError)) : parting;
    },
  };

  const port = createLocalHomeserver(append, { serverName, keyId: signingKey.id }, (user) =>
    accountStore.isActive(user),
  );
  const userServices = openUserServices({
    ...options,
    defaultRoomVersion,
    features: () => ({ ...manner.features, ...options.features() }),
    capabilities: () => ({ ...manner.capabilities, ...options.capabilities() }),
    positions,
    notifier,
    store,
    state,
    events,
    profiles,
    homeserver: port,
    userExists: (user) => accountStore.find(user) !== undefined,
    isLoggedIn: (token) => tokens.find(token) !== null || applications.ofToken(token) !== null,
    onSync: (user, device) => {
      const overs = syncListeners.map((listener) => listener(user, device));
      return () => {
        for (const over of overs) over();
      };
    },
  });

  const services = await openApplicationServices(applications, {
    ...{ database, clock, timers, store, events, manner },
    stream: positions,
    accounts: accountStore,
    onError,
  });
  pushes = services.pushes;

  const plain: EmbeddedHomeserver['plain'] = {
    send: sendEvent(rooms),
    state: putState(rooms),
    hasAnswered: (requester, { room, type, transactionId: txnId }) =>
      hasSent(rooms, requester, { room, type, txnId, target: null }),
    countEvent: (requester) => sent.take(requester),
  };
  return {
    port,
    authenticate: createAuthenticate(
      applications,
      manner.identities({ turn, accounts: accountStore, devices, wall: () => clock.wall() }),
      (token) => tokens.find(token),
    ),
    endpoints: manner.endpoints([
      ...accountEndpoints(accounts, options.registrationSharedSecret),
      plain.send,
      plain.state,
      ...roomEndpoints(rooms),
      ...userServices.endpoints,
      ...services.endpoints,
    ]),
    plain,
    onNewState: (listener) => void stateListeners.push(listener),
    onDeactivated: (listener) => void deactivationListeners.push(listener),
    onSync: (listener) => void syncListeners.push(listener),
    startPushing: services.pushes.start,
    stopPushing: services.pushes.stop,
    endPolls: userServices.endPolls,
  };
}

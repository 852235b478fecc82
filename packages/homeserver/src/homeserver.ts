import type {
  Clock,
  JsonObject,
  LocalHomeserver,
  Randomness,
  RoomId,
  StateKey,
  Timers,
  UserId,
} from '@matrix-futures/engine';
import type { Authenticate, Endpoint, Requester } from '@matrix-futures/http';
import type { Database } from '@matrix-futures/sqlite';
import { openAccountStore } from './accounts/account-store.ts';
import type { Accounts } from './accounts/accounts.ts';
import { accountEndpoints } from './accounts/endpoints.ts';
import { createPasswords } from './accounts/passwords.ts';
import { openApplicationServices } from './application-services/application-services.ts';
import { createAuthenticate } from './application-services/authenticate.ts';
import type { Pushes } from './application-services/pushes.ts';
import type { Registration } from './application-services/registration.ts';
import { isUnlimited, openServices } from './application-services/services.ts';
import { openAccessTokens } from './devices/access-tokens.ts';
import { openDeviceStore } from './devices/device-store.ts';
import { openIdentity } from './identity.ts';
import { createRateLimiter, unlimited, type Rate, type RateLimiter } from './limits/rate-limiter.ts';
import { ownManner } from './manner.ts';
import { oddManner } from './quirks/odd-manner.ts';
import type { Quirks } from './quirks/quirks.ts';
import { openProfileStore, profileMigrations } from './profile/profile-store.ts';
import { shownContent } from './profile/member-events.ts';
import type { RoomVersionId } from './room-versions/room-version.ts';
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
import type { SyncListener } from './sync/get-sync.ts';
import { openUserServices } from './sync/user-services.ts';

export interface HomeserverOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  /** `localhost`, `example.org:8448`: part of every user id, for ever */
  readonly serverName: string;
  /** Anybody may register. */
  readonly openRegistration: boolean;
  /** null: no registration by shared secret */
  readonly registrationSharedSecret: string | null;
  /** of rooms whose creator names none */
  readonly defaultRoomVersion: RoomVersionId;
  /** false lifts all limits per user, for tests and benchmarks. */
  readonly rateLimits: boolean;
  /** where clients reach the server; null: nobody said */
  readonly publicUrl: string | null;
  /** flags of `/versions` and capabilities that others serve; asked at every request */
  readonly features: () => Readonly<Record<string, boolean>>;
  readonly capabilities: () => JsonObject;
  /** none unless told */
  readonly applicationServices?: readonly Registration[];
  /**
   * Oddities of other homeservers to imitate, for clients and gateways to be tested against; those left out are as
   * `noQuirks` has them. Without it nothing is imitated.
   */
  readonly quirks?: Partial<Quirks>;
  /** told of what goes wrong behind nobody's request */
  readonly onError?: (error: unknown) => void;
}

/** A Matrix homeserver inside this process, in the caller's database. */
export interface EmbeddedHomeserver {
  /** Where futures send their events: inside the caller's unit, and undone with it. */
  readonly port: LocalHomeserver;
  readonly authenticate: Authenticate;
  readonly endpoints: readonly Endpoint[];
  /** Two of the endpoints, for who looks at these requests first and hands on what is not theirs. */
  readonly plain: {
    readonly send: Endpoint;
    readonly state: Endpoint;
    /** Has `send` answered this transaction with an event? */
    hasAnswered(
      requester: Requester,
      path: { readonly room: RoomId; readonly type: string; readonly transactionId: string },
    ): Promise<boolean>;
  };
  /**
   * `listener` is called inside the unit of whatever path makes a new state event: send, membership, a new room, a
   * future. What it throws undoes the event.
   */
  onNewState(listener: NewStateListener): void;
  /** `listener` is called inside the unit that deactivates an account. */
  onDeactivated(listener: (user: UserId) => void): void;
  /** `listener` hears of every `/sync` of every device, as it begins and as it ends. It is to be quick. */
  onSync(listener: SyncListener): void;
  /**
   * From now on application services are told of events, first of what they have missed. To be called when the server
   * listens: a service may ask at once.
   */
  startPushing(): void;
  /** Ends what is being told; to be awaited before the database is closed. The next start goes on from there. */
  stopPushing(): Promise<void>;
  /** Answers the long polls that wait, and from then on every poll at once: before the server stops. */
  endPolls(): void;
}

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

import type {
  Clock,
  JsonObject,
  LocalHomeserver,
  Randomness,
  RoomId,
  SyncListener,
  Timers,
  UserId,
} from '@matrix-futures/engine';
import type { Authenticate, Endpoint, Requester } from '@matrix-futures/http';
import type { Database } from '@matrix-futures/sqlite';
import type { Registration } from './application-services/registration.ts';
import type { Quirks } from './quirks/quirks.ts';
import type { RoomVersionId } from './room-versions/room-version.ts';
import type { NewStateListener } from './rooms/append.ts';

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
    /**
     * Counts an event that is sent another way, at once, as one of `send`.
     * @throws MatrixError 429 `M_LIMIT_EXCEEDED`
     */
    countEvent(requester: Requester): void;
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

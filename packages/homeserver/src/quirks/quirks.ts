import type { Ms } from '@matrix-futures/engine';
import type { Rate } from '../limits/rate-limiter.ts';
import type { RoomVersionId } from '../room-versions/room-version.ts';

/**
 * What other homeservers do differently from this one and from the specification, each a switch of its own, so that a
 * client or a gateway can be tested against it. What is said of Synapse 1.163.2 and Dendrite 0.15.2 was seen on running
 * servers, what is said of tuwunel 1.9.0, continuwuity 26.8 and palpo 0.4.0 was read in their source.
 */
export interface Quirks {
  // what it says of itself

  /** `GET /_matrix/federation/v1/version` tells it, without federation too; null: 404, as this server has it */
  readonly software: { readonly name: string; readonly version: string } | null;
  /** The `Server` header. Synapse alone says what it is there: `Synapse/1.163.2`. */
  readonly serverHeader: string | null;
  /** of rooms whose creator names none, whatever is configured. Dendrite: 10. null: as configured */
  readonly defaultRoomVersion: RoomVersionId | null;
  /**
   * `org.matrix.msc4140.delay` where delayed events are off. Synapse: `refused`, 403 on every way of sending, with an
   * empty list, 404 for actions, and a capability of 0 ms. Dendrite and all that do not know it: `ignored`, so the event
   * is sent at once.
   */
  readonly delayParameter: 'ignored' | 'refused';

  // who is asking

  /** An application service acts as a user who is not registered: 403, or the account is made (palpo). */
  readonly unregisteredUsers: 'refused' | 'made';
  /** Acting as a user of another server: 403, or 401 `M_UNKNOWN_TOKEN` (Dendrite). */
  readonly foreignUsers: 'forbidden' | 'unknown-token';
  /**
   * `?device_id=` of a service: 400 `M_UNKNOWN_DEVICE` for a device that is not there (Synapse), never looked at
   * (Dendrite), or made (palpo).
   */
  readonly devices: 'required' | 'ignored' | 'made';
  /** The device of a service that names none: Dendrite calls it `AS_Device`, whoever the service acts as. */
  readonly serviceDevice: string | null;
  /** How often a user may ask `whoami`, the puppet included. Dendrite: 20 at once, then one each 500 ms. */
  readonly whoamiRate: Rate | null;
  /** `?ts=` dates the events of everybody (Dendrite), not of application services alone. */
  readonly everybodyDates: boolean;
  /** Deactivating is answered before the user has left the rooms (Synapse). */
  readonly partsLater: boolean;

  // transactions

  /**
   * Which transaction ids are forgotten at a restart, so that the same request makes a second event: those sent without
   * a device (Synapse), all (Dendrite). Synapse and Dendrite forget them after 30 to 60 minutes too; this is not
   * imitated.
   */
  readonly forgetsTransactions: 'never' | 'without-device' | 'always';
  /**
   * What a transaction id is unique to, beside user and device: the whole path; the room (palpo); nothing (tuwunel,
   * continuwuity: the same id in another room is answered with the first room's event).
   */
  readonly transactionScope: 'path' | 'room' | 'user';
  /**
   * The same id and path of another user of the same service is answered with the first user's event (Synapse and
   * Dendrite, with a device too), until a restart.
   */
  readonly transactionsCollide: boolean;
  /** `PUT /redact` has no memory of transactions (tuwunel, continuwuity, palpo). */
  readonly redactsWithoutMemory: boolean;
  /** Between a request to send or set state being accepted and its event. Synapse 75 ms, Dendrite 36 to 117 ms. */
  readonly sendTakes: Ms;
  /** The same PUT twice at the same moment is one event (Synapse); two nearly always on Dendrite. */
  readonly sharesConcurrentSends: boolean;
  /**
   * When the client is gone before the event is there, the transaction is not remembered, while the event comes all the
   * same (Dendrite, up to 117 ms after the connection was cut).
   */
  readonly forgetsCancelledSends: boolean;
  /** Every so many sends are answered only some time after their event is there, and may have been pushed. */
  readonly lateAnswers: { readonly every: number; readonly by: Ms } | null;

  // what a room takes

  /**
   * A state event that says what the current one says is answered with that one if it is of the same sender (Synapse);
   * so too unless it has a `ts` (tuwunel); of anybody, without asking whether the sender may, or is in the room at all
   * (Dendrite); never (continuwuity, palpo).
   */
  readonly identicalState: 'same-sender' | 'same-sender-undated' | 'anybody' | 'new';
  /** `PUT /send/m.room.redaction`: 500 in room version 10 (Synapse); 200, and nothing is redacted (Dendrite). */
  readonly sentRedactions: 'redact' | 'fail-in-version-10' | 'do-nothing';
  /** Redacting an event that is not there is 200 with an event (Synapse). */
  readonly redactsUnknownEvents: boolean;
  /** An `m.room.message` without `msgtype` or `body`: 400 `M_BAD_JSON`, 400 `M_UNKNOWN` (Synapse), accepted (Dendrite). */
  readonly incompleteMessages: 'bad-json' | 'unknown' | 'accepted';
  /** An event that is too large: 413 `M_TOO_LARGE` (Synapse), 413 `M_BAD_JSON` (Dendrite). */
  readonly tooLarge: 'too-large' | 'bad-json';
  /** A room that is not there: 403 (Synapse), 400 `M_UNSUPPORTED_ROOM_VERSION` (Dendrite). */
  readonly unknownRooms: 'forbidden' | 'unsupported-version';
  /** Who is banned and joins: 403 `M_FORBIDDEN`, 403 `M_BAD_STATE` (Synapse). */
  readonly bannedJoins: 'forbidden' | 'bad-state';

  // what is read

  /** `unsigned.transaction_id` everywhere, or in `/sync` alone (Dendrite). */
  readonly transactionIdsShown: 'everywhere' | 'in-sync';
  /** `unsigned.replaces_state` and `prev_sender` (Synapse; Dendrite never) */
  readonly showsReplacedState: boolean;
  /** `/messages` applies the filter after the limit, so a page may be empty with more behind it (Dendrite). */
  readonly filtersAfterLimit: boolean;
  /** Who has left reads no `/messages` any more: 403 (Dendrite). */
  readonly hidesMessagesAfterLeaving: boolean;
  /** An invited user reads their own membership (Dendrite; Synapse 403). */
  readonly showsOwnInvite: boolean;

  // what services are told

  /** `POST /appservice/{id}/ping` (Dendrite: 404) */
  readonly hasPing: boolean;
  /** Between an event and its push. Synapse 5 to 20 ms, Dendrite 3 to 9 ms after the answer. */
  readonly pushTakes: Ms;
  /** Redactions are pushed (Dendrite: not). */
  readonly pushesRedactions: boolean;
  /**
   * What has not been pushed within `pushTakes` of its event when the server is killed never is (Synapse, the last one
   * or two events).
   */
  readonly losesLastPushes: boolean;
  /** What a restart finds unpushed is told newest first (Dendrite). */
  readonly pushesNewestFirstAfterRestart: boolean;
  /** How many events that a restart finds unpushed are told; the rest never is. tuwunel, continuwuity: 50. */
  readonly keptOverRestart: number;
  /**
   * The ids of transactions: growing for ever; from 1 on again after a restart, two at a time (Synapse on SQLite);
   * nanoseconds since 1970 (Dendrite).
   */
  readonly pushIds: 'growing' | 'restarting' | 'nanoseconds';
  /** A transaction that was not taken is told again with what has come since, under the same id (Dendrite). */
  readonly retriesGrow: boolean;
  /**
   * When a transaction that was not taken is told again: after 1 s, twice as long each time, up to `longestPushWait`
   * (Synapse, Dendrite); once there is a new event (tuwunel, continuwuity); after 30 s times the square of the attempt
   * (palpo).
   */
  readonly pushRetries: 'doubling' | 'with-traffic' | 'squares';
  /** Synapse 8.5 min, Dendrite 64 s */
  readonly longestPushWait: Ms;
}

/** Nothing odd. */
export const noQuirks: Quirks = {
  software: null,
  serverHeader: null,
  defaultRoomVersion: null,
  delayParameter: 'ignored',

  unregisteredUsers: 'refused',
  foreignUsers: 'forbidden',
  devices: 'required',
  serviceDevice: null,
  whoamiRate: null,
  everybodyDates: false,
  partsLater: false,

  forgetsTransactions: 'never',
  transactionScope: 'path',
  transactionsCollide: false,
  redactsWithoutMemory: false,
  sendTakes: 0,
  sharesConcurrentSends: true,
  forgetsCancelledSends: false,
  lateAnswers: null,

  identicalState: 'same-sender',
  sentRedactions: 'redact',
  redactsUnknownEvents: false,
  incompleteMessages: 'bad-json',
  tooLarge: 'too-large',
  unknownRooms: 'forbidden',
  bannedJoins: 'forbidden',

  transactionIdsShown: 'everywhere',
  showsReplacedState: true,
  filtersAfterLimit: false,
  hidesMessagesAfterLeaving: false,
  showsOwnInvite: false,

  hasPing: true,
  pushTakes: 0,
  pushesRedactions: true,
  losesLastPushes: false,
  pushesNewestFirstAfterRestart: false,
  keptOverRestart: Infinity,
  pushIds: 'growing',
  retriesGrow: false,
  pushRetries: 'doubling',
  longestPushWait: 60_000,
};

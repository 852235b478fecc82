/**
 * The room versions that this server makes and serves, as data.
 *
 * What all three share is not in the table but in the code that reads it: event ids are `$` and the URL-safe unpadded
 * base64 of the reference hash (v4), canonical JSON is strict (v6), power levels are integers, `knock_restricted` is a
 * join rule (v10). Source: Matrix specification, room versions 1 to 12.
 */

/** Which members of an object survive: `true` keeps the value whole, an object keeps that much of an object. */
export interface Mask {
  readonly [member: string]: true | Mask;
}

/** What redaction leaves of an event. */
export interface RedactionRules {
  /** members of the event itself; `unsigned` is never one of them */
  readonly members: ReadonlySet<string>;
  /** members of `content`, by event type; every other type keeps none */
  readonly content: ReadonlyMap<string, Mask | 'everything'>;
}

/** The numbers that the version's own text gives to its authorization rules. */
export interface RuleNumbers {
  readonly create: number;
  /** version 12 only: `room_id` names an accepted create event */
  readonly room: number | null;
  readonly authEvents: number;
  readonly federate: number;
  readonly member: number;
  readonly senderJoined: number;
  readonly thirdPartyInvite: number;
  readonly requiredLevel: number;
  readonly userStateKey: number;
  readonly powerLevels: number;
}

/** What sets a room version apart. */
export interface RoomVersion {
  readonly id: RoomVersionId;
  /**
   * `named`: `!opaque:server`, chosen by the server. `hashed`: `!` and the create event's reference hash; the create
   * event itself carries no `room_id` and is never among `auth_events` (v12).
   */
  readonly roomIds: 'named' | 'hashed';
  /** Who made the room: `content.creator` (v10), the create event's sender (v11), or the sender and
   * `content.additional_creators` (v12). */
  readonly creators: 'content' | 'sender' | 'sender-and-additional';
  /** `infinite` (v12): above every level, for ever. `initial`: 100 until there is an `m.room.power_levels` event. */
  readonly creatorPower: 'initial' | 'infinite';
  /** Where a redaction names its target: a member of the event (v10) or of `content` (v11). */
  readonly redacts: 'event' | 'content';
  readonly redaction: RedactionRules;
  readonly rules: RuleNumbers;
}

export type RoomVersionId = '10' | '11' | '12';

const kept = (...members: string[]): Mask =>
  Object.fromEntries(members.map((member) => [member, true] as const));

const membersOfEvent = [
  'event_id',
  'type',
  'room_id',
  'sender',
  'state_key',
  'content',
  'hashes',
  'signatures',
  'depth',
  'prev_events',
  'auth_events',
  'origin_server_ts',
];

const levels = [
  'ban',
  'events',
  'events_default',
  'kick',
  'redact',
  'state_default',
  'users',
  'users_default',
];

/** Room version 9 (for `join_authorised_via_users_server`), unchanged in 10. */
const redactionV9: RedactionRules = {
  members: new Set([...membersOfEvent, 'prev_state', 'origin', 'membership']),
  content: new Map([
    ['m.room.member', kept('membership', 'join_authorised_via_users_server')],
    ['m.room.create', kept('creator')],
    ['m.room.join_rules', kept('join_rule', 'allow')],
    ['m.room.power_levels', kept(...levels)],
    ['m.room.history_visibility', kept('history_visibility')],
  ]),
};

/** Room version 11, unchanged in 12. */
const redactionV11: RedactionRules = {
  members: new Set(membersOfEvent),
  content: new Map<string, Mask | 'everything'>([
    [
      'm.room.member',
      { ...kept('membership', 'join_authorised_via_users_server'), third_party_invite: kept('signed') },
    ],
    ['m.room.create', 'everything'],
    ['m.room.join_rules', kept('join_rule', 'allow')],
    ['m.room.power_levels', kept(...levels, 'invite')],
    ['m.room.history_visibility', kept('history_visibility')],
    ['m.room.redaction', kept('redacts')],
  ]),
};

const rulesV10: RuleNumbers = {
  create: 1,
  room: null,
  authEvents: 2,
  federate: 3,
  member: 4,
  senderJoined: 5,
  thirdPartyInvite: 6,
  requiredLevel: 7,
  userStateKey: 8,
  powerLevels: 9,
};

const rulesV12: RuleNumbers = {
  create: 1,
  room: 2,
  authEvents: 3,
  federate: 4,
  member: 5,
  senderJoined: 6,
  thirdPartyInvite: 7,
  requiredLevel: 8,
  userStateKey: 9,
  powerLevels: 10,
};

/** All that this server knows, by id. */
export const roomVersions: Readonly<Record<RoomVersionId, RoomVersion>> = {
  '10': {
    id: '10',
    roomIds: 'named',
    creators: 'content',
    creatorPower: 'initial',
    redacts: 'event',
    redaction: redactionV9,
    rules: rulesV10,
  },
  '11': {
    id: '11',
    roomIds: 'named',
    creators: 'sender',
    creatorPower: 'initial',
    redacts: 'content',
    redaction: redactionV11,
    rules: rulesV10,
  },
  '12': {
    id: '12',
    roomIds: 'hashed',
    creators: 'sender-and-additional',
    creatorPower: 'infinite',
    redacts: 'content',
    redaction: redactionV11,
    rules: rulesV12,
  },
};

/** The version of that name, or undefined where this server does not know it (`M_UNSUPPORTED_ROOM_VERSION`). */
export function findRoomVersion(id: string): RoomVersion | undefined {
  return isRoomVersionId(id) ? roomVersions[id] : undefined;
}

function isRoomVersionId(id: string): id is RoomVersionId {
  return Object.hasOwn(roomVersions, id);
}

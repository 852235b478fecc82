import type { EventId, RoomId, UserId } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import { BoundedMap } from '../cache/bounded-map.ts';
import { findRoomVersion, type RoomVersion } from '../room-versions/room-version.ts';
import type { StoredEvent } from './stored-event.ts';
import { storedEventColumns } from './stored-event.ts';

/** `m.room.member`'s `membership` (client-server API, "Room membership") */
export const allMemberships = ['join', 'invite', 'leave', 'ban', 'knock'] as const;
export type Membership = (typeof allMemberships)[number];

export interface Room {
  readonly roomId: RoomId;
  readonly version: RoomVersion;
}

/** A user's place in a room as it is now. */
export interface MembershipRow {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly membership: Membership;
  readonly eventId: EventId;
  /** of the membership event */
  readonly position: number;
  readonly forgotten: 0 | 1;
}

/**
 * Everything that is read of rooms. All of it is synchronous; read inside a unit what has to fit together.
 * A range `(after, upTo]` leaves `after` out.
 */
export interface RoomStore {
  room(room: RoomId): Room | undefined;
  /** of a room that is known to exist */
  version(room: RoomId): RoomVersion;
  event(event: EventId): StoredEvent | undefined;
  /** the newest event of the room: the one its next event follows */
  head(room: RoomId): { readonly eventId: EventId; readonly depth: number } | undefined;

  stateEvent(room: RoomId, type: string, key: string): StoredEvent | undefined;
  state(room: RoomId): StoredEvent[];
  stateEventAt(room: RoomId, type: string, key: string, position: number): StoredEvent | undefined;
  /** for each state key the newest event at or before the position */
  stateAt(room: RoomId, position: number): StoredEvent[];
  /** the same of one type */
  stateOfTypeAt(room: RoomId, type: string, position: number): StoredEvent[];
  /** all versions of one piece of state, oldest first */
  stateHistory(room: RoomId, type: string, key: string): StoredEvent[];
  /** state events of the range, oldest first */
  stateBetween(room: RoomId, after: number, upTo: number): StoredEvent[];

  /** events of the range, oldest first */
  forwards(room: RoomId, after: number, upTo: number, limit: number): StoredEvent[];
  /** events of the range, newest first */
  backwards(room: RoomId, after: number, upTo: number, limit: number): StoredEvent[];

  membership(room: RoomId, user: UserId): MembershipRow | undefined;
  /** every room the user has or had to do with, forgotten ones included */
  membershipsOf(user: UserId): MembershipRow[];
  /** everybody who has or had to do with the room */
  memberships(room: RoomId): MembershipRow[];
  /** who is joined; kept in memory */
  joinedMembers(room: RoomId): readonly UserId[];
  /** Called inside the unit that changed it: `joinedMembers` of the room is to be read anew. */
  membersChanged(room: RoomId): void;
}

/** Rooms whose joined members are kept in memory, to be woken. */
const cachedRooms = 1_000;

export function openRoomStore(database: Database): RoomStore {
  const events = <P extends readonly (string | number)[]>(rest: string) =>
    database.prepare<P, StoredEvent>(`SELECT ${storedEventColumns} FROM event ${rest}`);
  const memberships = <P extends readonly string[]>(rest: string) =>
    database.prepare<P, MembershipRow>(
      `SELECT room_id AS roomId, user_id AS userId, membership, event_id AS eventId,
              stream_position AS position, forgotten FROM membership ${rest}`,
    );
  // A projection's order of keys is of no use to anybody; the order of the stream is.
  const current = (where: string) =>
    `JOIN current_state AS state ON event.stream_position = state.stream_position
      WHERE ${where} ORDER BY event.stream_position`;

  const findRoom = database.prepare<[RoomId], { roomId: RoomId; version: string }>(
    'SELECT room_id AS roomId, version FROM room WHERE room_id = ?',
  );
  const head = database.prepare<[RoomId], { eventId: EventId; depth: number }>(
    'SELECT event_id AS eventId, depth FROM event WHERE room_id = ? ORDER BY stream_position DESC LIMIT 1',
  );
  const event = events<[EventId]>('WHERE event_id = ?');
  const stateEvent = events<[RoomId, string, string]>(
    current('state.room_id = ? AND state.type = ? AND state.state_key = ?'),
  );
  const state = events<[RoomId]>(current('state.room_id = ?'));
  const stateEventAt = events<[RoomId, string, string, number]>(
    `WHERE room_id = ? AND type = ? AND state_key = ? AND stream_position <= ?
     ORDER BY stream_position DESC LIMIT 1`,
  );
  const stateAt = events<[RoomId, number]>(
    `WHERE stream_position IN (
       SELECT max(stream_position) FROM event
       WHERE room_id = ? AND state_key IS NOT NULL AND stream_position <= ? GROUP BY type, state_key)
     ORDER BY stream_position`,
  );
  const stateOfTypeAt = events<[RoomId, string, number]>(
    `WHERE stream_position IN (
       SELECT max(stream_position) FROM event
       WHERE room_id = ? AND type = ? AND state_key IS NOT NULL AND stream_position <= ? GROUP BY state_key)
     ORDER BY stream_position`,
  );
  const stateHistory = events<[RoomId, string, string]>(
    'WHERE room_id = ? AND type = ? AND state_key = ? ORDER BY stream_position',
  );
  const between = 'WHERE room_id = ? AND stream_position > ? AND stream_position <= ?';
  const stateBetween = events<[RoomId, number, number]>(
    `${between} AND state_key IS NOT NULL ORDER BY stream_position`,
  );
  const forwards = events<[RoomId, number, number, number]>(`${between} ORDER BY stream_position LIMIT ?`);
  const backwards = events<[RoomId, number, number, number]>(
    `${between} ORDER BY stream_position DESC LIMIT ?`,
  );
  const membership = memberships<[RoomId, UserId]>('WHERE room_id = ? AND user_id = ?');
  const membershipsOf = memberships<[UserId]>('WHERE user_id = ?');
  const membershipsIn = memberships<[RoomId]>('WHERE room_id = ?');
  const joined = database.prepare<[RoomId], { userId: UserId }>(
    "SELECT user_id AS userId FROM membership WHERE room_id = ? AND membership = 'join'",
  );

  const room = (id: RoomId): Room | undefined => {
    const row = findRoom.get(id);
    return row && { ...row, version: knownVersion(row.version) };
  };

  const joinedCache = new BoundedMap<RoomId, readonly UserId[]>(cachedRooms);

  return {
    room,
    version(id) {
      const version = room(id)?.version;
      if (version === undefined) throw new Error('There is no such room');
      return version;
    },
    event: (id) => event.get(id),
    head: (id) => head.get(id),
    stateEvent: (id, type, key) => stateEvent.get(id, type, key),
    state: (id) => state.all(id),
    stateEventAt: (id, type, key, position) => stateEventAt.get(id, type, key, position),
    stateAt: (id, position) => stateAt.all(id, position),
    stateOfTypeAt: (id, type, position) => stateOfTypeAt.all(id, type, position),
    stateHistory: (id, type, key) => stateHistory.all(id, type, key),
    stateBetween: (id, after, upTo) => stateBetween.all(id, after, upTo),
    forwards: (id, after, upTo, limit) => forwards.all(id, after, upTo, limit),
    backwards: (id, after, upTo, limit) => backwards.all(id, after, upTo, limit),
    membership: (id, user) => membership.get(id, user),
    membershipsOf: (user) => membershipsOf.all(user),
    memberships: (id) => membershipsIn.all(id),
    joinedMembers(id) {
      const known = joinedCache.get(id);
      if (known !== undefined) return known;
      const users = joined.all(id).map((row) => row.userId);
      joinedCache.set(id, users);
      return users;
    },
    membersChanged(id) {
      database.turn.onUndo(() => joinedCache.delete(id));
      joinedCache.delete(id);
    },
  };
}

/** Only versions that this release knows are ever stored, and none is ever dropped. */
function knownVersion(id: string): RoomVersion {
  const version = findRoomVersion(id);
  if (version === undefined) throw new Error(`Room version ${id} is not known`);
  return version;
}

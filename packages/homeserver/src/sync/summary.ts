import type { JsonObject, RoomId, UserId } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import { contentOf } from '../rooms/stored-event.ts';
import type { RoomStore } from '../rooms/room-store.ts';

/** `summary` of a room in `/sync`, and whom it names. */
export interface Summary {
  readonly body: JsonObject;
  readonly heroes: readonly UserId[];
}

/** @param user who is never a hero to themselves */
export type Summarize = (room: RoomId, user: UserId) => Summary;

interface Counts {
  readonly joined: number;
  readonly invited: number;
  /** the first members, joined and invited ones before those who are gone; one more than anybody is told of */
  readonly first: readonly { readonly user: UserId; readonly gone: 0 | 1 }[];
}

/** The specification's number of heroes, and one for the user themselves. */
const kept = 6;

/**
 * The heroes are the first members by stream position: joined and invited ones, or, where there are none but the user,
 * those who left or are banned. They are told only where the room has no name of its own to go by.
 */
export function createSummaries(database: Database, store: RoomStore): Summarize {
  const count = database.prepare<[RoomId], { membership: string; members: number }>(
    'SELECT membership, count(*) AS members FROM membership WHERE room_id = ? GROUP BY membership',
  );
  const first = database.prepare<[RoomId], { user: UserId; gone: 0 | 1 }>(
    `SELECT user_id AS user, membership NOT IN ('join', 'invite') AS gone FROM membership
     WHERE room_id = ? AND membership <> 'knock' ORDER BY gone, stream_position LIMIT ${kept}`,
  );
  // The list of joined members is made anew whenever a member of the room changed: so are these.
  const known = new WeakMap<readonly UserId[], Counts>();

  const countsOf = (room: RoomId): Counts => {
    const members = store.joinedMembers(room);
    const counts = known.get(members) ?? read(room);
    known.set(members, counts);
    return counts;
  };

  const read = (room: RoomId): Counts => {
    const rows = count.all(room);
    const of = (membership: string) => rows.find((row) => row.membership === membership)?.members ?? 0;
    return { joined: of('join'), invited: of('invite'), first: first.all(room) };
  };

  const hasName = (room: RoomId): boolean =>
    isSet(room, 'm.room.name', 'name') || isSet(room, 'm.room.canonical_alias', 'alias');
  const isSet = (room: RoomId, type: string, field: string): boolean => {
    const event = store.stateEvent(room, type, '');
    const value = event && contentOf(event)[field];
    return typeof value === 'string' && value !== '';
  };

  return (room, user) => {
    const { joined, invited, first: candidates } = countsOf(room);
    const others = candidates.filter((candidate) => candidate.user !== user).slice(0, kept - 1);
    const present = others.filter((other) => other.gone === 0);
    const heroes = hasName(room) ? [] : (present.length > 0 ? present : others).map((other) => other.user);
    return {
      body: {
        ...(heroes.length > 0 && { 'm.heroes': heroes }),
        'm.joined_member_count': joined,
        'm.invited_member_count': invited,
      },
      heroes,
    };
  };
}

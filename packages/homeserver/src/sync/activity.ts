import type { RoomId, UserId } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import { BoundedMap } from '../cache/bounded-map.ts';
import type { MembershipRow, RoomStore } from '../rooms/room-store.ts';
import type { Positions } from '../stream/positions.ts';
import { RecentRooms } from '../stream/recent-rooms.ts';

/** Every room a user has or had to do with. */
export type UserRooms = ReadonlyMap<RoomId, MembershipRow>;

/**
 * What a poll needs to find the few rooms that concern it: memory that follows the table of events. It catches up by
 * reading the events that came since, in the unit that asks, and so needs nobody to tell it of them.
 */
export interface Activity {
  /** Inside a unit, before the rest is asked. @returns the last position given out */
  catchUp(): number;
  roomsOf(user: UserId): UserRooms;
  /** those of the rooms whose history or ephemeral events changed, or may have changed, after the position */
  changedSince(position: number, rooms: UserRooms): Set<RoomId>;
}

/** Users whose rooms are kept in memory. */
const keptUsers = 2_000;
/** Beyond so many events it is cheaper to forget than to follow: they are of a time when nobody was polling. */
const maxCatchUp = 20_000;

/**
 * @param ephemeral touched by receipts and typing
 * @param memberChanged called inside the unit for every membership event, when it is caught up with
 */
export function openActivity(
  database: Database,
  positions: Positions,
  store: RoomStore,
  ephemeral: RecentRooms,
  memberChanged: (room: RoomId, user: UserId) => void,
): Activity {
  const since = database.prepare<
    [number],
    { position: number; room: RoomId; type: string; stateKey: string | null }
  >(
    `SELECT stream_position AS position, room_id AS room, type, state_key AS stateKey FROM event
     WHERE stream_position > ? ORDER BY stream_position`,
  );
  const events = new RecentRooms(positions.current());
  const users = new BoundedMap<UserId, UserRooms>(keptUsers);
  let seen = positions.current();

  database.turn.onLost(() => {
    events.forget(positions.current());
    ephemeral.forget(positions.current());
    users.clear();
    seen = Math.min(seen, positions.current());
  });

  const follow = (): void => {
    for (const { position, room, type, stateKey } of since.all(seen)) {
      events.touch(room, position);
      if (type !== 'm.room.member' || stateKey === null) continue;
      users.delete(stateKey);
      memberChanged(room, stateKey);
    }
  };

  return {
    catchUp() {
      const current = positions.current();
      if (current - seen > maxCatchUp) {
        events.forget(current);
        users.clear();
      } else if (current > seen) {
        follow();
      }
      seen = current;
      // Not `current`: a member who left may have stopped typing by it.
      return positions.current();
    },
    roomsOf(user) {
      const rooms = users.get(user) ?? new Map(store.membershipsOf(user).map((row) => [row.roomId, row]));
      users.set(user, rooms);
      return rooms;
    },
    changedSince: (position, rooms) =>
      new Set([...events.changedSince(position, rooms), ...ephemeral.changedSince(position, rooms)]),
  };
}

import type { RoomId } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import type { RoomStore } from '../rooms/room-store.ts';
import { storedEventColumns, type StoredEvent } from '../rooms/stored-event.ts';
import { byKey, type StateMap } from './state-changes.ts';

/** All state of a room at a position. @param members false: without `m.room.member`, of which a room has most */
export type WholeState = (room: RoomId, position: number, members: boolean) => StateMap;

/**
 * The projection of the current state is read first: it is a fraction of the room's history of state, and right unless
 * the state has changed since the position.
 */
export function createWholeState(database: Database, store: RoomStore): WholeState {
  const current = database.prepare<[RoomId], StoredEvent>(
    `SELECT ${storedEventColumns} FROM current_state AS state JOIN event USING (stream_position)
     WHERE state.room_id = ? AND state.type <> 'm.room.member' ORDER BY stream_position`,
  );
  const past = database.prepare<[RoomId, number], StoredEvent>(
    `SELECT ${storedEventColumns} FROM event WHERE stream_position IN (
       SELECT max(stream_position) FROM event
       WHERE room_id = ? AND state_key IS NOT NULL AND type <> 'm.room.member' AND stream_position <= ?
       GROUP BY type, state_key)
     ORDER BY stream_position`,
  );
  return (room, position, members) => {
    const now = members ? store.state(room) : current.all(room);
    const changedSince = now.some((event) => event.position > position);
    if (!changedSince) return byKey(now);
    return byKey(members ? store.stateAt(room, position) : past.all(room, position));
  };
}

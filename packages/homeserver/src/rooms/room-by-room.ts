import type { RoomId, Timers } from '@matrix-futures/engine';
import type { Turn } from '@matrix-futures/sqlite';

/** Rooms a unit: an event takes some 0.2 ms. */
const roomsAtOnce = 16;

/** Does something in each of a user's rooms, a few in a unit; between units others get their turn. */
export async function roomByRoom(
  turn: Turn,
  timers: Timers,
  rooms: readonly RoomId[],
  run: (room: RoomId) => void,
): Promise<void> {
  for (let done = 0; done < rooms.length; done += roomsAtOnce) {
    if (done > 0) await new Promise<void>((resolve) => timers.soon(resolve));
    await turn.unit(() => rooms.slice(done, done + roomsAtOnce).forEach(run));
  }
}

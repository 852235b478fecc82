import type { Timers, UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import { changeMembership } from './membership.ts';
import type { Rooms } from './rooms.ts';

/** Rooms a unit, some 0.2 ms each; between units others get their turn. */
const roomsAtOnce = 16;

/** Takes a user who is gone out of every room, and declines their invites. A room that does not let go keeps them. */
export async function leaveRooms(rooms: Rooms, timers: Timers, user: UserId): Promise<void> {
  const memberships = await rooms.turn.unit(() => rooms.store.membershipsOf(user));
  const inside = memberships.filter(({ membership }) => membership === 'join' || membership === 'invite');
  for (let done = 0; done < inside.length; done += roomsAtOnce) {
    if (done > 0) await new Promise<void>((resolve) => timers.soon(resolve));
    await rooms.turn.unit(() => {
      for (const { roomId } of inside.slice(done, done + roomsAtOnce)) leave(rooms, roomId, user);
    });
  }
}

function leave(rooms: Rooms, room: string, user: UserId): void {
  try {
    changeMembership(rooms, { room, sender: user, target: user, membership: 'leave' });
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error;
  }
}

import type { Timers, UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import { changeMembership } from './membership.ts';
import { roomByRoom } from './room-by-room.ts';
import type { Rooms } from './rooms.ts';

/** Takes a user who is gone out of every room, and declines their invites. A room that does not let go keeps them. */
export async function leaveRooms(rooms: Rooms, timers: Timers, user: UserId): Promise<void> {
  const memberships = await rooms.turn.unit(() => rooms.store.membershipsOf(user));
  const inside = memberships.filter(({ membership }) => membership === 'join' || membership === 'invite');
  await roomByRoom(
    rooms.turn,
    timers,
    inside.map(({ roomId }) => roomId),
    (room) => leave(rooms, room, user),
  );
}

function leave(rooms: Rooms, room: string, user: UserId): void {
  try {
    changeMembership(rooms, { room, sender: user, target: user, membership: 'leave' });
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error;
  }
}

import type { RoomId, UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import { notInRoom } from './append.ts';
import { contentOf } from './stored-event.ts';
import { isRoomId, notRoomId } from './event-form.ts';
import { lastExit, ownMembership } from './own-membership.ts';
import type { MembershipRow } from './room-store.ts';
import type { Rooms } from './rooms.ts';

/** @throws MatrixError 400 `M_INVALID_PARAM` */
export function requireRoomId(room: string): void {
  if (!isRoomId(room)) throw new MatrixError('invalidParam', notRoomId(room));
}

/** @throws MatrixError 403 `M_FORBIDDEN` */
export function requireJoined({ store }: Rooms, room: RoomId, user: UserId): void {
  requireRoomId(room);
  if (store.membership(room, user)?.membership !== 'join') {
    throw new MatrixError('forbidden', notInRoom(room));
  }
}

/**
 * The position up to which a user may see the room: now for who is joined and in a room that is world readable, the end
 * of the last stay for who has left (or was put out) and has not forgotten the room. What became of the membership
 * outside, a ban or an invite declined, shows nothing more.
 * @throws MatrixError 403 `M_FORBIDDEN` for everybody else
 */
export function seenUpTo(rooms: Rooms, room: RoomId, user: UserId): number {
  requireRoomId(room);
  const { store, positions } = rooms;
  const own = store.membership(room, user);
  if (own?.membership === 'join' || isWorldReadable(rooms, room)) return positions.current();
  const left = own !== undefined && hasLeft(own) ? lastExit(ownMembership(store, room, user)) : null;
  if (left === null) throw new MatrixError('forbidden', notInRoom(room));
  return left;
}

function hasLeft({ membership, forgotten }: MembershipRow): boolean {
  return (membership === 'leave' || membership === 'ban') && forgotten === 0;
}

function isWorldReadable({ store }: Rooms, room: RoomId): boolean {
  const visibility = store.stateEvent(room, 'm.room.history_visibility', '');
  return visibility !== undefined && contentOf(visibility).history_visibility === 'world_readable';
}

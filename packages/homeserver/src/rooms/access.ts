import type { RoomId, UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import { notInRoom } from './append.ts';
import { contentOf } from './stored-event.ts';
import { isRoomId, notRoomId } from './event-form.ts';
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
 * The position up to which a user may see the room: now for who is joined and in a room that is world readable, the
 * leave for who has left (or was banned) and has not forgotten the room.
 * @throws MatrixError 403 `M_FORBIDDEN` for everybody else
 */
export function seenUpTo(rooms: Rooms, room: RoomId, user: UserId): number {
  requireRoomId(room);
  const { store, positions } = rooms;
  const own = store.membership(room, user);
  if (own?.membership === 'join' || isWorldReadable(rooms, room)) return positions.current();
  if (own !== undefined && hasLeft(own) && wasJoined(rooms, own)) return own.position;
  throw new MatrixError('forbidden', notInRoom(room));
}

function hasLeft({ membership, forgotten }: MembershipRow): boolean {
  return (membership === 'leave' || membership === 'ban') && forgotten === 0;
}

/** Who only declined an invite has never been inside. */
function wasJoined({ store }: Rooms, { roomId, userId }: MembershipRow): boolean {
  const history = store.stateHistory(roomId, 'm.room.member', userId);
  return history.some((event) => contentOf(event).membership === 'join');
}

function isWorldReadable({ store }: Rooms, room: RoomId): boolean {
  const visibility = store.stateEvent(room, 'm.room.history_visibility', '');
  return visibility !== undefined && contentOf(visibility).history_visibility === 'world_readable';
}

import type { EventId, RoomId, UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import { requireRoomId } from './access.ts';
import type { Rooms } from './rooms.ts';
import type { StoredEvent } from './stored-event.ts';
import { whatIsSeen, type Sees } from './visibility.ts';

/**
 * An event that the user may see, and what else of the room they may see.
 * @throws MatrixError `M_NOT_FOUND`, one answer for events that are not there and events that are not shown
 */
export function visibleEvent(
  { store }: Rooms,
  room: RoomId,
  id: EventId,
  user: UserId,
): { readonly event: StoredEvent; readonly sees: Sees } {
  requireRoomId(room);
  const event = store.event(id);
  const sees = whatIsSeen(store, room, user);
  if (event === undefined || event.roomId !== room || !sees(event)) {
    throw new MatrixError(
      'notFound',
      `There is no event ${id} in the room ${room}, or it is not shown to you.`,
    );
  }
  return { event, sees };
}

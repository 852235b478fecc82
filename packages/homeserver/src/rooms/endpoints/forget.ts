import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import { requireRoomId } from '../access.ts';
import { notInRoom } from '../append.ts';
import type { Rooms } from '../rooms.ts';

/** `POST /rooms/{roomId}/forget`: from here on the room is as if the user had never been there. */
export function forgetRoom(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/rooms/:roomId/forget'),
    authentication: 'required',
    summary: 'Forgets a room that was left',
    handle: async ({ requester, params }) => {
      const { roomId: room } = params;
      requireRoomId(room);
      await rooms.turn.unit(() => {
        const own = rooms.store.membership(room, requester.user);
        if (own === undefined) throw new MatrixError('forbidden', notInRoom(room));
        if (own.membership !== 'leave' && own.membership !== 'ban') {
          throw new MatrixError(
            'badRequest',
            `You have not left the room: your membership is ${own.membership}.`,
          );
        }
        rooms.writer.forget(room, requester.user);
      });
      return {};
    },
  });
}

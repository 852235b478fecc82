import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import { createRoom } from '../create-room.ts';
import { RoomRequest } from '../room-request.ts';
import type { Rooms } from '../rooms.ts';

/** `POST /createRoom` (client-server API, "Creation") */
export function postCreateRoom(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/createRoom'),
    authentication: 'required',
    summary: 'Creates a room',
    body: RoomRequest,
    handle: async ({ requester, body }) => {
      const request = body();
      const room = await rooms.turn.unit(() => {
        rooms.messageRate.take(requester);
        return createRoom(rooms, requester.user, request);
      });
      return { body: { room_id: room } };
    },
  });
}

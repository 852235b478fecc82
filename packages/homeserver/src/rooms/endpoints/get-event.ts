import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import type { Rooms } from '../rooms.ts';
import { visibleEvent } from '../visible-event.ts';

/** `GET /rooms/{roomId}/event/{eventId}` */
export function getEvent(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/rooms/:roomId/event/:eventId'),
    authentication: 'required',
    summary: 'Reads one event',
    handle: async ({ requester, params }) => {
      const { roomId, eventId } = params;
      const body = await rooms.turn.unit(() => {
        const { event } = visibleEvent(rooms, roomId, eventId, requester.user);
        return rooms.events.whole(event, requester);
      });
      return { body };
    },
  });
}

import type { Clock } from '@matrix-futures/engine';
import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import Type from 'typebox';
import { markerTypes, type Markers } from './markers.ts';

const EventId = Type.Optional(Type.String({ minLength: 1, maxLength: 255 }));

/** `POST /rooms/{roomId}/read_markers`: up to three markers at once (client-server API, "Fully read markers"). */
export function postReadMarkers(turn: Turn, clock: Clock, markers: Markers): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/rooms/:roomId/read_markers'),
    authentication: 'required',
    summary: 'Moves the read marker and receipts',
    body: Type.Object({ 'm.fully_read': EventId, 'm.read': EventId, 'm.read.private': EventId }),
    handle: async (call) => {
      const { requester, params } = call;
      const wanted = call.body();
      await turn.unit(() => {
        const ts = clock.wall();
        for (const type of markerTypes) {
          const event = wanted[type];
          if (event === undefined) continue;
          markers.set({ room: params.roomId, user: requester.user, type, event, thread: '', ts });
        }
      });
      return {};
    },
  });
}

import type { JsonObject } from '@matrix-futures/engine';
import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { requireRoomId } from '../access.ts';
import { say, type Rooms } from '../rooms.ts';
import { stickyExtras, stickyQuery } from '../sticky.ts';
import { timestampExtras, timestampQuery } from '../timestamp.ts';

/** The state key is the empty string where it is left out, with and without the slash before it. */
export const statePaths = client(
  '/rooms/:roomId/state/:eventType/:stateKey',
  '/rooms/:roomId/state/:eventType/',
  '/rooms/:roomId/state/:eventType',
);

/** `PUT /rooms/{roomId}/state/{eventType}/{stateKey}` (client-server API, "Sending events to a room") */
export function putState(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'PUT',
    paths: statePaths,
    authentication: 'required',
    summary: 'Sends a state event',
    query: Type.Object({ ...stickyQuery, ...timestampQuery }),
    body: Type.Unsafe<JsonObject>(Type.Object({})),
    handle: async (call) => {
      const { requester, params, query, body } = call;
      const { roomId: room, eventType: type, stateKey = '' } = params;
      requireRoomId(room);
      const extras = { ...stickyExtras(query), ...timestampExtras(rooms, requester, query) };
      const content = body();
      const event = await rooms.sending.state(call, () =>
        say(rooms, { room, sender: requester.user, type, stateKey, content, extras }),
      );
      return { body: { event_id: event } };
    },
  });
}

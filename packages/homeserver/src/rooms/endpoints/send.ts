import type { JsonObject } from '@matrix-futures/engine';
import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { requireRoomId } from '../access.ts';
import { say, type Rooms } from '../rooms.ts';
import { stickyExtras, stickyQuery } from '../sticky.ts';
import { timestampExtras, timestampQuery } from '../timestamp.ts';

/** `PUT /rooms/{roomId}/send/{eventType}/{txnId}` (client-server API, "Sending events to a room") */
export function sendEvent(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'PUT',
    paths: client('/rooms/:roomId/send/:eventType/:txnId'),
    authentication: 'required',
    summary: 'Sends a message event',
    query: Type.Object({ ...stickyQuery, ...timestampQuery }),
    body: Type.Unsafe<JsonObject>(Type.Object({})),
    handle: async (call) => {
      const { requester, params, query, body } = call;
      const { roomId: room, eventType: type, txnId } = params;
      requireRoomId(room);
      const extras = { ...stickyExtras(query), ...timestampExtras(rooms, requester, query) };
      const event = await rooms.sending.once(call, { room, type, txnId, target: null }, (transaction) => {
        const draft = { room, sender: requester.user, type, stateKey: null, content: body(), extras };
        return say(rooms, draft, { transaction });
      });
      return { body: { event_id: event } };
    },
  });
}

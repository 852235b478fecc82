import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { requireRoomId } from '../access.ts';
import { reasonOf } from '../membership.ts';
import { say, type Rooms } from '../rooms.ts';

const type = 'm.room.redaction';

/** `PUT /rooms/{roomId}/redact/{eventId}/{txnId}` (client-server API, "Redactions") */
export function redactEvent(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'PUT',
    paths: client('/rooms/:roomId/redact/:eventId/:txnId'),
    authentication: 'required',
    summary: 'Takes the content of an event away',
    body: Type.Object({ reason: Type.Optional(Type.String()) }),
    bodyOptional: true,
    handle: async (call) => {
      const { requester, params, body } = call;
      const { roomId: room, eventId: target, txnId } = params;
      requireRoomId(room);
      const event = await rooms.sending.once(call, { room, type, txnId, target }, (transaction) => {
        const content = { ...reasonOf(body()), redacts: target };
        return say(rooms, { room, sender: requester.user, type, stateKey: null, content }, { transaction });
      });
      return { body: { event_id: event } };
    },
  });
}

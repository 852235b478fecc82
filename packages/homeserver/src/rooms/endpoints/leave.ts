import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { requireRoomId } from '../access.ts';
import { notInRoom } from '../append.ts';
import { changeMembership, reasonOf } from '../membership.ts';
import type { Rooms } from '../rooms.ts';

/** `POST /rooms/{roomId}/leave`: out of a room, or no to an invite. Who has left already has nothing to do. */
export function leaveRoom(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/rooms/:roomId/leave'),
    authentication: 'required',
    summary: 'Leaves a room or declines an invite',
    body: Type.Object({ reason: Type.Optional(Type.String()) }),
    bodyOptional: true,
    handle: async ({ requester, params, body }) => {
      const { roomId: room } = params;
      const { user } = requester;
      requireRoomId(room);
      const content = reasonOf(body());
      await rooms.turn.unit(() => {
        const own = rooms.store.membership(room, user);
        if (own === undefined) throw new MatrixError('forbidden', notInRoom(room));
        if (own.membership === 'leave') return;
        changeMembership(rooms, { room, sender: user, target: user, membership: 'leave', content });
      });
      return {};
    },
  });
}

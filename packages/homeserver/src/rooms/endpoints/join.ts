import type { JsonObject } from '@matrix-futures/engine';
import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { requireRoomId } from '../access.ts';
import { changeMembership, membershipOf, reasonOf } from '../membership.ts';
import type { Rooms } from '../rooms.ts';

/**
 * `POST /join/{roomIdOrAlias}` and `POST /rooms/{roomId}/join` (client-server API, "Joining rooms"). Who is in already
 * stays as they are.
 */
export function joinRoom(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/join/:roomId', '/rooms/:roomId/join'),
    authentication: 'required',
    summary: 'Joins a room',
    body: Type.Object({
      reason: Type.Optional(Type.String()),
      third_party_signed: Type.Optional(Type.Unsafe<JsonObject>(Type.Object({}))),
    }),
    bodyOptional: true,
    handle: async ({ requester, params, body }) => {
      const { roomId: room } = params;
      if (room.startsWith('#')) throw new MatrixError('notFound', `There is no room with the alias ${room}.`);
      requireRoomId(room);
      const content = reasonOf(body());
      const { user } = requester;
      await rooms.turn.unit(() => {
        rooms.messageRate.take(requester);
        if (rooms.store.room(room) === undefined) {
          throw new MatrixError('notFound', `There is no room ${room} on this server.`);
        }
        if (membershipOf(rooms, room, user) === 'join') return;
        changeMembership(rooms, { room, sender: user, target: user, membership: 'join', content });
      });
      return { body: { room_id: room } };
    },
  });
}

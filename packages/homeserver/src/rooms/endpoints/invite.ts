import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { changeMembership, membershipOf, reasonOf, requireLocalUser } from '../membership.ts';
import type { Rooms } from '../rooms.ts';

/** `POST /rooms/{roomId}/invite` (client-server API, "Joining rooms"). Who is invited already stays so. */
export function inviteUser(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/rooms/:roomId/invite'),
    authentication: 'required',
    summary: 'Invites a user to a room',
    body: Type.Object({ user_id: Type.String(), reason: Type.Optional(Type.String()) }),
    handle: async ({ requester, params, body }) => {
      const { user_id: target, ...rest } = body();
      const { roomId: room } = params;
      requireLocalUser(rooms, target);
      await rooms.turn.unit(() => {
        rooms.messageRate.take(requester);
        if (membershipOf(rooms, room, target) === 'join') {
          throw new MatrixError('forbidden', `${target} is in the room already.`);
        }
        const content = reasonOf(rest);
        changeMembership(rooms, { room, sender: requester.user, target, membership: 'invite', content });
      });
      return {};
    },
  });
}

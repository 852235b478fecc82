import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import type { Rooms } from '../rooms.ts';

/** `GET /joined_rooms` */
export function getJoinedRooms(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/joined_rooms'),
    authentication: 'required',
    summary: 'Lists the rooms the user is in',
    handle: async ({ requester }) => {
      const memberships = await rooms.turn.unit(() => rooms.store.membershipsOf(requester.user));
      const joined = memberships.filter(({ membership }) => membership === 'join');
      return { body: { joined_rooms: joined.map(({ roomId }) => roomId) } };
    },
  });
}

import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { requireJoined } from '../access.ts';
import { changeMembership, membershipOf, reasonOf, requireLocalUser } from '../membership.ts';
import type { Membership } from '../room-store.ts';
import type { Rooms } from '../rooms.ts';

/** What one member may do to another: the same request, another membership. */
interface Measure {
  readonly name: 'kick' | 'ban' | 'unban';
  readonly summary: string;
  readonly membership: Membership;
  /** what the target must be for it */
  readonly from: readonly Membership[];
  readonly otherwise: string;
}

const measures: readonly Measure[] = [
  {
    name: 'kick',
    summary: 'Removes a user from a room',
    membership: 'leave',
    from: ['join', 'invite', 'knock'],
    otherwise: 'is neither in the room nor invited.',
  },
  {
    name: 'ban',
    summary: 'Bans a user from a room',
    membership: 'ban',
    from: ['join', 'invite', 'knock', 'leave', 'ban'],
    otherwise: '',
  },
  {
    name: 'unban',
    summary: 'Lifts the ban of a user',
    membership: 'leave',
    from: ['ban'],
    otherwise: 'is not banned.',
  },
];

/** `POST /rooms/{roomId}/kick`, `/ban` and `/unban` (client-server API, "Leaving rooms", "Banning users in a room") */
export function moderateRoom(rooms: Rooms): readonly Endpoint[] {
  return measures.map(({ name, summary, membership, from, otherwise }) =>
    endpoint({
      method: 'POST',
      paths: client(`/rooms/:roomId/${name}`),
      authentication: 'required',
      summary,
      body: Type.Object({ user_id: Type.String(), reason: Type.Optional(Type.String()) }),
      handle: async ({ requester, params, body }) => {
        const { user_id: target, ...rest } = body();
        const { roomId: room } = params;
        requireLocalUser(rooms, target);
        await rooms.turn.unit(() => {
          rooms.messageRate.take(requester);
          requireJoined(rooms, room, requester.user);
          if (!from.includes(membershipOf(rooms, room, target))) {
            throw new MatrixError('forbidden', `${target} ${otherwise}`);
          }
          const content = reasonOf(rest);
          changeMembership(rooms, { room, sender: requester.user, target, membership, content });
        });
        return {};
      },
    }),
  );
}

import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { stringMember } from '../../events/json-member.ts';
import { parseToken } from '../../stream/token.ts';
import { requireJoined, seenUpTo } from '../access.ts';
import { contentOf, type StoredEvent } from '../stored-event.ts';
import type { Rooms } from '../rooms.ts';

const membership = Type.Optional(
  Type.Union((['join', 'invite', 'leave', 'ban', 'knock'] as const).map((name) => Type.Literal(name))),
);

/** `GET /rooms/{roomId}/members`: now, at a sync token, or as of the leave for who has left. */
export function getMembers(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/rooms/:roomId/members'),
    authentication: 'required',
    summary: 'Lists the membership events of a room',
    query: Type.Object({ at: Type.Optional(Type.String()), membership, not_membership: membership }),
    handle: async ({ requester, params, query }) => {
      const at = query.at === undefined ? Infinity : parseToken(query.at);
      if (at === null) throw new MatrixError('invalidParam', 'at is no token of this server.');
      const chunk = await rooms.turn.unit(() => {
        const upTo = Math.min(at, seenUpTo(rooms, params.roomId, requester.user));
        return rooms.store
          .stateOfTypeAt(params.roomId, 'm.room.member', upTo)
          .filter((event) => wanted(event, query))
          .map((event) => rooms.events.whole(event, requester));
      });
      return { body: { chunk } };
    },
  });
}

function wanted(event: StoredEvent, query: { membership?: string; not_membership?: string }): boolean {
  const is = contentOf(event).membership;
  return (query.membership ?? is) === is && query.not_membership !== is;
}

/** `GET /rooms/{roomId}/joined_members`: for members, with their names and pictures. */
export function getJoinedMembers(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/rooms/:roomId/joined_members'),
    authentication: 'required',
    summary: 'Lists who is in a room',
    handle: async ({ requester, params }) => {
      const { roomId: room } = params;
      const joined = await rooms.turn.unit(() => {
        requireJoined(rooms, room, requester.user);
        return rooms.store
          .stateOfTypeAt(room, 'm.room.member', rooms.positions.current())
          .filter((event) => contentOf(event).membership === 'join')
          .map((event) => [event.stateKey ?? '', profileIn(event)] as const);
      });
      return { body: { joined: Object.fromEntries(joined) } };
    },
  });
}

function profileIn(event: StoredEvent): { display_name?: string; avatar_url?: string } {
  const content = contentOf(event);
  const name = stringMember(content, 'displayname');
  const avatar = stringMember(content, 'avatar_url');
  return {
    ...(name !== undefined && { display_name: name }),
    ...(avatar !== undefined && { avatar_url: avatar }),
  };
}

import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { eventTest } from '../../filters/event-test.ts';
import { formatToken, parseToken } from '../../stream/token.ts';
import { sendersOf } from '../history.ts';
import { Limit, limitOf, readFilter } from '../paging.ts';
import type { Rooms } from '../rooms.ts';
import { whatIsSeen } from '../visibility.ts';

/**
 * `GET /rooms/{roomId}/messages` (client-server API, "Getting events for a room"). A token is a point between two
 * events, the same as in `/sync`; without `from` the walk begins at the end it walks away from.
 */
export function getMessages(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/rooms/:roomId/messages'),
    authentication: 'required',
    summary: "Reads a page of a room's history",
    query: Type.Object({
      dir: Type.Union([Type.Literal('f'), Type.Literal('b')]),
      from: Type.Optional(Type.String()),
      to: Type.Optional(Type.String()),
      limit: Limit,
      filter: Type.Optional(Type.String()),
    }),
    handle: async ({ requester, params, query }) => {
      const { roomId: room } = params;
      const { dir } = query;
      const filter = readFilter(query.filter);
      const from = position('from', query.from);
      const to = position('to', query.to);
      const body = await rooms.turn.unit(() => {
        const end = rooms.reading.messagesUpTo(rooms, room, requester.user);
        const start = Math.min(from ?? (dir === 'b' ? end : 0), end);
        const found = rooms.reading.page(rooms.store, {
          room,
          direction: dir,
          after: dir === 'b' ? (to ?? 0) : start,
          upTo: dir === 'b' ? start : Math.min(to ?? end, end),
          limit: limitOf(query.limit, 10),
          sees: whatIsSeen(rooms.store, room, requester.user),
          wanted: eventTest(filter),
        });
        const newest = (dir === 'b' ? found.events[0] : found.events.at(-1))?.position ?? start;
        const members =
          filter.lazy_load_members === true ? sendersOf(rooms.store, room, found.events, newest) : [];
        return {
          start: formatToken(start),
          ...(found.end !== null && { end: formatToken(found.end) }),
          chunk: found.events.map((event) => rooms.events.whole(event, requester)),
          ...(members.length > 0 && { state: members.map((event) => rooms.events.whole(event, requester)) }),
        };
      });
      return { body };
    },
  });
}

function position(name: string, token: string | undefined): number | null {
  if (token === undefined) return null;
  const parsed = parseToken(token);
  if (parsed === null) throw new MatrixError('invalidParam', `${name} is no token of this server.`);
  return parsed;
}

import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { seenUpTo } from '../access.ts';
import { contentOf } from '../stored-event.ts';
import type { Rooms } from '../rooms.ts';
import { statePaths } from './put-state.ts';

/** `GET /rooms/{roomId}/state/{eventType}/{stateKey}`: as of the leave for who has left. */
export function getState(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'GET',
    paths: statePaths,
    authentication: 'required',
    summary: 'Reads a state event',
    query: Type.Object({
      format: Type.Optional(Type.Union([Type.Literal('content'), Type.Literal('event')])),
    }),
    handle: async ({ requester, params, query }) => {
      const { roomId: room, eventType: type, stateKey = '' } = params;
      const body = await rooms.turn.unit(() => {
        const upTo = rooms.reading.stateUpTo(rooms, room, requester.user, type, stateKey);
        const event = rooms.store.stateEventAt(room, type, stateKey, upTo);
        if (event === undefined) {
          throw new MatrixError('notFound', `The room has no ${type} with state key "${stateKey}".`);
        }
        return query.format === 'event' ? rooms.events.whole(event, requester) : contentOf(event);
      });
      return { body };
    },
  });
}

/** `GET /rooms/{roomId}/state`: all of it; as of the leave for who has left. */
export function getWholeState(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/rooms/:roomId/state'),
    authentication: 'required',
    summary: "Reads the room's state",
    handle: async ({ requester, params }) => {
      const { roomId: room } = params;
      const body = await rooms.turn.unit(() => {
        const upTo = seenUpTo(rooms, room, requester.user);
        return rooms.store.stateAt(room, upTo).map((event) => rooms.events.whole(event, requester));
      });
      return { body };
    },
  });
}

import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { eventTest } from '../../filters/event-test.ts';
import { formatToken } from '../../stream/token.ts';
import { sendersOf, walk } from '../history.ts';
import { Limit, limitOf, readFilter } from '../paging.ts';
import type { Rooms } from '../rooms.ts';
import { visibleEvent } from '../visible-event.ts';

/** `GET /rooms/{roomId}/context/{eventId}`: an event, what was said around it, and the state at the last of these. */
export function getContext(rooms: Rooms): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/rooms/:roomId/context/:eventId'),
    authentication: 'required',
    summary: 'Reads an event and what is around it',
    query: Type.Object({ limit: Limit, filter: Type.Optional(Type.String()) }),
    handle: async ({ requester, params, query }) => {
      const { roomId: room, eventId } = params;
      const { store } = rooms;
      const filter = readFilter(query.filter);
      const limit = limitOf(query.limit, 10);
      const body = await rooms.turn.unit(() => {
        const { event, sees } = visibleEvent(rooms, room, eventId, requester.user);
        const around = { room, sees, wanted: eventTest(filter) };
        const { position } = event;
        const look = (direction: 'f' | 'b', after: number, upTo: number, count: number) =>
          walk(store, { ...around, direction, after, upTo, limit: count }).events;
        const before = look('b', 0, position - 1, Math.floor(limit / 2));
        const after = look('f', position, rooms.positions.current(), Math.ceil(limit / 2));
        const first = before.at(-1) ?? event;
        const last = after.at(-1) ?? event;
        const shown = [...before, event, ...after];
        const state =
          filter.lazy_load_members === true
            ? [
                ...store.stateAt(room, last.position).filter(({ type }) => type !== 'm.room.member'),
                ...sendersOf(store, room, shown, last.position),
              ]
            : store.stateAt(room, last.position);
        const convert = (stored: typeof event) => rooms.events.whole(stored, requester);
        return {
          start: formatToken(first.position - 1),
          end: formatToken(last.position),
          event: convert(event),
          events_before: before.map(convert),
          events_after: after.map(convert),
          state: state.map(convert),
        };
      });
      return { body };
    },
  });
}

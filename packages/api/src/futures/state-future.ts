import type { Futures } from '@matrix-futures/engine';
import { client, endpoint, type Endpoint, unstable } from '@matrix-futures/http';
import { eventContent } from '../event-content.ts';
import { scheduleOnce } from '../schedule-once.ts';
import { futureSchema, futuresDialect } from './dialect.ts';
import { futureQuery, transactionParameter, whenAndWhere } from './parameters.ts';
import { features } from './spellings.ts';

/** The state key is the empty string where it is left out, with and without the slash before it. */
const paths = [
  '/rooms/:roomId/state_future/:eventType/:stateKey',
  '/rooms/:roomId/state_future/:eventType/',
  '/rooms/:roomId/state_future/:eventType',
] as const;

/** `PUT /rooms/{roomId}/state_future/{eventType}/{stateKey}` (text of 6 June 2024, "Proposal") */
export function stateFuture(futures: Futures): Endpoint {
  return endpoint({
    method: 'PUT',
    paths: [...client(...paths), ...unstable(features, ...paths)],
    authentication: 'required',
    summary: 'Schedules a state event',
    query: futureQuery,
    body: eventContent,
    answers: futureSchema,
    handle: ({ requester, params, query, body }) => {
      const { roomId: room, eventType: type, stateKey = '' } = params;
      const transactionId = query[transactionParameter];
      return scheduleOnce(futures, futuresDialect, {
        requester,
        room,
        query,
        transaction: transactionId === undefined ? null : ['state', room, type, stateKey, transactionId],
        read: () => ({ ...whenAndWhere(query), type, stateKey, content: body() }),
      });
    },
  });
}

import type { Futures } from '@matrix-futures/engine';
import { client, endpoint, type Endpoint, unstable } from '@matrix-futures/http';
import { eventContent } from '../event-content.ts';
import { scheduleOnce } from '../schedule-once.ts';
import { futureSchema, futuresDialect } from './dialect.ts';
import { futureQuery, whenAndWhere } from './parameters.ts';
import { features } from './spellings.ts';

const path = '/rooms/:roomId/send_future/:eventType/:txnId';

/** `PUT /rooms/{roomId}/send_future/{eventType}/{txnId}` (text of 6 June 2024, "Proposal") */
export function sendFuture(futures: Futures): Endpoint {
  return endpoint({
    method: 'PUT',
    paths: [...client(path), ...unstable(features, path)],
    authentication: 'required',
    summary: 'Schedules a message event',
    query: futureQuery,
    body: eventContent,
    answers: futureSchema,
    handle: ({ requester, params, query, body }) =>
      scheduleOnce(futures, futuresDialect, {
        requester,
        room: params.roomId,
        query,
        transaction: ['send', params.roomId, params.eventType, params.txnId],
        read: () => ({
          ...whenAndWhere(query),
          type: params.eventType,
          stateKey: null,
          content: body(),
        }),
      }),
  });
}

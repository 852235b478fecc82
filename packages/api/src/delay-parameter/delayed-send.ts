import type { Futures } from '@matrix-futures/engine';
import { endpoint, type Endpoint } from '@matrix-futures/http';
import { eventContent } from '../event-content.ts';
import { sendPaths } from '../plain-paths.ts';
import { scheduleOnce } from '../schedule-once.ts';
import { delayDialect, delayParameters, delayQuery } from './delay.ts';

/** `PUT /rooms/{roomId}/send/{eventType}/{txnId}?org.matrix.msc4140.delay=…` */
export function delayedSend(futures: Futures): Endpoint {
  return endpoint({
    method: 'PUT',
    paths: sendPaths,
    when: { parameters: delayParameters },
    authentication: 'required',
    summary: 'Delays a message event',
    query: delayQuery,
    body: eventContent,
    handle: ({ requester, params, query, body }) =>
      scheduleOnce(futures, delayDialect, {
        requester,
        room: params.roomId,
        type: params.eventType,
        stateKey: null,
        transactionId: params.txnId,
        query,
        body,
      }),
  });
}

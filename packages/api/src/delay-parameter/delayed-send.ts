import type { Futures } from '@matrix-futures/engine';
import { endpoint, type Endpoint } from '@matrix-futures/http';
import { eventContent } from '../event-content.ts';
import { sendPaths, sendWithoutTransactionPaths } from '../plain-paths.ts';
import { scheduleOnce } from '../schedule-once.ts';
import { delayAnswer } from '../delay-answer.ts';
import { delayDialect, delayOf, delayParameters, delayQuery } from './delay.ts';

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
    answers: delayAnswer,
    handle: ({ requester, params, query, body }) =>
      scheduleOnce(futures, delayDialect, {
        requester,
        room: params.roomId,
        query,
        transaction: ['send', params.roomId, params.eventType, params.txnId],
        read: () => ({ ...delayOf(query), type: params.eventType, stateKey: null, content: body() }),
      }),
  });
}

/** `POST /rooms/{roomId}/send/{eventType}?org.matrix.msc4140.delay=…`, as Synapse has it: every request is another event. */
export function delayedSendWithoutTransaction(futures: Futures): Endpoint {
  return endpoint({
    method: 'POST',
    paths: sendWithoutTransactionPaths,
    when: { parameters: delayParameters },
    authentication: 'required',
    summary: 'Delays a message event, without a transaction id',
    query: delayQuery,
    body: eventContent,
    answers: delayAnswer,
    handle: ({ requester, params, query, body }) =>
      scheduleOnce(futures, delayDialect, {
        requester,
        room: params.roomId,
        query,
        transaction: null,
        read: () => ({ ...delayOf(query), type: params.eventType, stateKey: null, content: body() }),
      }),
  });
}

import type { Futures } from '@matrix-futures/engine';
import { endpoint, type Endpoint } from '@matrix-futures/http';
import { eventContent } from '../event-content.ts';
import { sendPaths, sendWithoutTransactionPaths } from '../plain-paths.ts';
import { scheduleOnce } from '../schedule-once.ts';
import { delayAnswer } from '../delay-answer.ts';
import { delayDialect, delayOf, delayParameters, delayQuery } from './delay.ts';

/** What both have in common: they differ in the method, the path and whether there is a transaction id. */
const delaysMessages = {
  when: { parameters: delayParameters },
  authentication: 'required',
  query: delayQuery,
  body: eventContent,
  answers: delayAnswer,
} as const;

/** `PUT /rooms/{roomId}/send/{eventType}/{txnId}?org.matrix.msc4140.delay=…` */
export function delayedSend(futures: Futures): Endpoint {
  return endpoint({
    ...delaysMessages,
    method: 'PUT',
    paths: sendPaths,
    summary: 'Delays a message event',
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
    ...delaysMessages,
    method: 'POST',
    paths: sendWithoutTransactionPaths,
    summary: 'Delays a message event, without a transaction id',
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

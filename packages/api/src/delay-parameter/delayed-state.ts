import type { Futures } from '@matrix-futures/engine';
import { endpoint, type Endpoint } from '@matrix-futures/http';
import { eventContent } from '../event-content.ts';
import { statePaths } from '../plain-paths.ts';
import { scheduleOnce } from '../schedule-once.ts';
import { delayAnswer } from '../delay-answer.ts';
import { delayDialect, delayOf, delayParameters, delayQuery } from './delay.ts';

/** `PUT /rooms/{roomId}/state/{eventType}/{stateKey}?org.matrix.msc4140.delay=…` */
export function delayedState(futures: Futures): Endpoint {
  return endpoint({
    method: 'PUT',
    paths: statePaths,
    when: { parameters: delayParameters },
    authentication: 'required',
    summary: 'Delays a state event',
    query: delayQuery,
    body: eventContent,
    answers: delayAnswer,
    handle: ({ requester, params: { roomId: room, eventType: type, stateKey = '' }, query, body }) =>
      scheduleOnce(futures, delayDialect, {
        requester,
        room,
        query,
        transaction: null,
        read: () => ({ ...delayOf(query), type, stateKey, content: body() }),
      }),
  });
}

import type { Futures, Ms } from '@matrix-futures/engine';
import { client, endpoint, type Endpoint, MatrixError, unstable } from '@matrix-futures/http';
import Type from 'typebox';
import { delayAnswer } from '../delay-answer.ts';
import { draftParameters } from '../draft.ts';
import { eventContent } from '../event-content.ts';
import { queryTexts } from '../query-texts.ts';
import { onlyFuture, scheduleOnce, type SchedulingDialect } from '../schedule-once.ts';
import { feature } from './feature.ts';

const path = '/rooms/:roomId/delayed_event/:eventType/:txnId';
export const schedulingPaths = { stable: client(path), unstable: unstable([feature], path) };

const body = Type.Object({
  delay_ms: Type.Integer({ minimum: 1 }),
  state_key: Type.Optional(Type.String()),
  content: eventContent,
});

/**
 * `PUT /rooms/{roomId}/delayed_event/{eventType}/{txnId}` (MSC4140 as merged, "Scheduling a delayed event"). On the
 * stable and the unstable path a transaction id is the same one; only the error for a delay that is too long differs.
 */
export function scheduleDelayedEvent(futures: Futures, spelling: 'stable' | 'unstable'): Endpoint {
  return endpoint({
    method: 'PUT',
    paths: schedulingPaths[spelling],
    authentication: 'required',
    summary: 'Schedules an event',
    query: queryTexts(draftParameters),
    body,
    wrongBody: 'invalidParam',
    answers: delayAnswer,
    handle: ({ requester, params: { roomId: room, eventType: type, txnId }, query, body: read }) =>
      scheduleOnce(futures, dialects[spelling], {
        requester,
        room,
        query,
        transaction: ['delayed_event', room, type, txnId],
        read: () => {
          const { delay_ms: timeout, state_key: stateKey = null, content } = read();
          return { type, stateKey, content, timeout, groupName: null };
        },
      }),
  });
}

const dialects = {
  stable: dialectOf((maximum) => new MatrixError('delayTooLarge', tooLarge(maximum))),
  unstable: dialectOf(
    (maximum) =>
      new MatrixError({ status: 400, errcode: 'ORG.MATRIX.MSC4140_DELAY_TOO_LARGE' }, tooLarge(maximum), {
        [`${feature}.max_delay`]: maximum,
      }),
  ),
} as const;

function tooLarge(maximum: Ms): string {
  return `The longest delay this server allows is ${maximum} milliseconds`;
}

function dialectOf(tooLong: SchedulingDialect['tooLong']): SchedulingDialect {
  return {
    generation: 'delayed-events',
    operation: 'delay',
    answer: (scheduled) => ({ delay_id: onlyFuture(scheduled).tokens.delayId }),
    tooLong,
  };
}

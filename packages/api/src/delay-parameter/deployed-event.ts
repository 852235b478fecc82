import type { Futures, JsonObject, ListedFuture, Outcome } from '@matrix-futures/engine';
import Type from 'typebox';
import { delayedEvent, delayedEventSchema, errorOf } from '../delayed-event.ts';
import { codeField } from './delay.ts';

/** With the two names that the times had first: Synapse answers both pairs, and clients read either. */
export const deployedEventSchema = Type.Object({
  ...delayedEventSchema.properties,
  delay: Type.Optional(Type.Integer()),
  running_since: Type.Integer(),
});

export function deployedEvent(futures: Futures, listed: ListedFuture): JsonObject {
  const event = delayedEvent(futures, listed);
  const { delay_ms: delay, delayed_since_ts: since = 0 } = event;
  return { ...event, ...(delay !== undefined && { delay }), running_since: since };
}

/** A finished one as js-sdk 43 reads it (`DelayedEventInfo`). */
export const finalisedEventSchema = Type.Object({
  delayed_event: deployedEventSchema,
  outcome: Type.Union([Type.Literal('send'), Type.Literal('cancel')]),
  reason: Type.Union([Type.Literal('error'), Type.Literal('action'), Type.Literal('delay')]),
  error: Type.Optional(Type.Object({ errcode: Type.String() })),
  event_id: Type.Optional(Type.String()),
});

/** null: it is not finished */
export function finalisedEvent(futures: Futures, listed: ListedFuture): JsonObject | null {
  const { outcome, deadline } = listed.future;
  if (outcome === null) return null;
  const byTimer = deadline !== null && outcome.at >= deadline;
  return { delayed_event: deployedEvent(futures, listed), ...wordsOf(outcome, byTimer) };
}

function wordsOf(outcome: Outcome, byTimer: boolean): JsonObject {
  switch (outcome.kind) {
    case 'sent':
      return { outcome: 'send', reason: byTimer ? 'delay' : 'action', event_id: outcome.event };
    case 'failed':
      return { outcome: 'cancel', reason: 'error', error: errorOf(outcome) };
    case 'cancelled':
      return outcome.reason === 'state'
        ? { outcome: 'cancel', reason: 'error', error: cancelledByState }
        : { outcome: 'cancel', reason: 'action' };
  }
}

const cancelledByState = {
  errcode: 'M_UNKNOWN',
  error: 'Somebody else sent new state with the same key',
  [codeField]: 'M_CANCELLED_BY_STATE_UPDATE',
};

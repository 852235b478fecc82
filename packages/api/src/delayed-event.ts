import type { Futures, JsonObject, ListedFuture, Outcome } from '@matrix-futures/engine';
import Type from 'typebox';
import { eventContent } from './event-content.ts';
import { vendorFeature } from './vendor.ts';

/** Why a future was cancelled or failed, in words of our own: a cancelled one has neither event nor error. */
const reason = `${vendorFeature}.reason`;

const finalisedSchema = Type.Object({
  finalised_ts: Type.Integer(),
  event_id: Type.Optional(Type.String()),
  error: Type.Optional(Type.Object({ errcode: Type.String(), error: Type.String() })),
  [reason]: Type.Optional(Type.String()),
});

/** A delayed event as its owner is told it. Without `delay_ms`: it has no timer. */
export const delayedEventSchema = Type.Object({
  delay_id: Type.String(),
  room_id: Type.String(),
  type: Type.String(),
  state_key: Type.Optional(Type.String()),
  delay_ms: Type.Optional(Type.Integer()),
  delayed_since_ts: Type.Integer(),
  content: eventContent,
  finalised: Type.Optional(finalisedSchema),
});

/**
 * A future of any generation as a delayed event (MSC4140 as merged, "Getting a single delayed event"). Neither event
 * nor error in `finalised`: it was cancelled. Its times add up: `delayed_since_ts + delay_ms` is when it is sent.
 */
export function delayedEvent(futures: Futures, listed: ListedFuture): JsonObject {
  const { draft, outcome } = listed.future;
  return {
    delay_id: listed.tokens.delayId,
    room_id: draft.room,
    type: draft.type,
    ...(draft.stateKey !== null && { state_key: draft.stateKey }),
    ...timesOf(futures, listed),
    content: draft.content,
    ...(outcome !== null && { finalised: finalisedOf(futures, outcome) }),
  };
}

function timesOf(futures: Futures, { future }: ListedFuture): JsonObject {
  const { timeout, deadline, since } = future;
  if (timeout === null || deadline === null) return { delayed_since_ts: futures.wallTimeOf(since) };
  return { delay_ms: timeout, delayed_since_ts: futures.wallTimeOf(deadline) - timeout };
}

function finalisedOf(futures: Futures, outcome: Outcome): JsonObject {
  const finalised = { finalised_ts: futures.wallTimeOf(outcome.at) };
  switch (outcome.kind) {
    case 'sent':
      return { ...finalised, event_id: outcome.event };
    case 'failed':
      return { ...finalised, error: errorOf(outcome) };
    case 'cancelled':
      return { ...finalised, [reason]: outcome.reason };
  }
}

/** The body that the error had, or would have had. */
export function errorOf({
  error: { errcode, error, fields },
}: Extract<Outcome, { kind: 'failed' }>): JsonObject {
  return { errcode, error, ...fields };
}

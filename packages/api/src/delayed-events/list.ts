import { type Futures, listedStatuses } from '@matrix-futures/engine';
import { clientV1, endpoint, type Endpoint, unstable } from '@matrix-futures/http';
import Type from 'typebox';
import { delayedEvent, delayedEventSchema } from '../delayed-event.ts';
import { nextBatch, pageSize, placeFrom } from '../place.ts';
import { allowList } from '../refusals.ts';
import { listFeature } from './feature.ts';

const instant = Type.Optional(Type.String({ pattern: String.raw`^\d{1,15}$` }));

const query = Type.Object({
  from_ts: instant,
  to_ts: instant,
  dir: Type.Optional(Type.Union([Type.Literal('f'), Type.Literal('b')])),
  from: Type.Optional(Type.String()),
  room_id: Type.Optional(Type.String()),
  type: Type.Optional(Type.String()),
  status: Type.Optional(Type.Union(listedStatuses.map((status) => Type.Literal(status)))),
});

const answers = Type.Object({
  delayed_events: Type.Array(delayedEventSchema),
  next_batch: Type.Optional(Type.String()),
});

/**
 * `GET /v1/delayed_events` (MSC4486): every delayed event of the caller, whatever generation made it, finished ones
 * too, in order of send time. Both bounds are included.
 */
export function listOwnDelayedEvents(futures: Futures): Endpoint {
  const path = '/delayed_events';
  return endpoint({
    method: 'GET',
    paths: [...clientV1(path), ...unstable([listFeature], path)],
    authentication: 'required',
    summary: 'Lists your delayed events, a page at a time',
    query,
    answers,
    handle: async ({ requester, query: asked }) => {
      allowList(futures, requester.user);
      const { page, next } = await futures.page(requester.user, {
        statuses: asked.status === undefined ? listedStatuses : [asked.status],
        room: asked.room_id ?? null,
        type: asked.type ?? null,
        earliest: Number(asked.from_ts ?? -Infinity),
        latest: Number(asked.to_ts ?? Infinity),
        direction: asked.dir ?? 'f',
        after: placeFrom(asked.from),
        size: pageSize,
      });
      const events = page.map((one) => delayedEvent(futures, one));
      return { body: { delayed_events: events, ...nextBatch(next) } };
    },
  });
}

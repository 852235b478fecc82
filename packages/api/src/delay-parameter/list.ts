import { finishedStatuses, type Futures, type JsonObject, type ListedFuture } from '@matrix-futures/engine';
import { endpoint, type Endpoint, unstable } from '@matrix-futures/http';
import Type from 'typebox';
import { nextBatch, pageSize, placeFrom } from '../place.ts';
import { allowList } from '../refusals.ts';
import { feature } from './delay.ts';
import {
  deployedEvent,
  deployedEventSchema,
  finalisedEvent,
  finalisedEventSchema,
} from './deployed-event.ts';

const query = Type.Object({
  status: Type.Optional(Type.Union([Type.Literal('scheduled'), Type.Literal('finalised')])),
  delay_id: Type.Optional(Type.Array(Type.String())),
  from: Type.Optional(Type.String()),
});

const answers = Type.Object({
  delayed_events: Type.Array(deployedEventSchema),
  finalised: Type.Optional(Type.Array(finalisedEventSchema)),
  next_batch: Type.Optional(Type.String()),
});

/**
 * `GET /unstable/org.matrix.msc4140/delayed_events`. What is scheduled stands in `delayed_events` and nowhere else
 * (Synapse; some clients add `scheduled` to it), what is finished in `finalised` and only for who asks for that
 * (js-sdk 43). All that is scheduled is one answer: whoever does not know of `status` knows of no pages either.
 */
export function listDelayedEvents(futures: Futures): Endpoint {
  return endpoint({
    method: 'GET',
    paths: unstable([feature], '/delayed_events'),
    authentication: 'required',
    summary: 'Lists your delayed events',
    query,
    answers,
    handle: async ({ requester: { user }, query: { status, delay_id: ids, from } }) => {
      allowList(futures, user);
      const finished = status === 'finalised';
      const { page, next } =
        ids === undefined
          ? await futures.page(user, {
              statuses: finished ? finishedStatuses : ['scheduled'],
              room: null,
              type: null,
              earliest: -Infinity,
              latest: Infinity,
              direction: 'f',
              after: placeFrom(from),
              size: status === undefined ? Infinity : pageSize,
            })
          : { page: await named(futures, user, ids, finished), next: null };
      return { body: { ...listOf(futures, page, finished), ...nextBatch(next) } };
    },
  });
}

function listOf(futures: Futures, page: readonly ListedFuture[], finished: boolean): JsonObject {
  if (!finished) return { delayed_events: page.map((one) => deployedEvent(futures, one)) };
  return { delayed_events: [], finalised: page.flatMap((one) => finalisedEvent(futures, one) ?? []) };
}

/** Those of these ids, each once. */
async function named(
  futures: Futures,
  user: string,
  ids: readonly string[],
  finished: boolean,
): Promise<readonly ListedFuture[]> {
  const found = await Promise.all(
    [...new Set(ids)].map(async (id) => {
      const holder = futures.holderOfDelayId(id, user);
      return holder && (await futures.find(holder));
    }),
  );
  return found.flatMap((one) => (one?.listed && (one.future.outcome !== null) === finished ? [one] : []));
}

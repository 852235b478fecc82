import type { Futures } from '@matrix-futures/engine';
import { endpoint, type Endpoint, unstable } from '@matrix-futures/http';
import { ownDelayedEvent } from '../own-delayed-event.ts';
import { feature } from './delay.ts';
import { deployedEvent, deployedEventSchema } from './deployed-event.ts';

/** `GET /unstable/org.matrix.msc4140/delayed_events/{delayId}`, as js-sdk 43 reads it: finished ones have `finalised`. */
export function getDelayedEvent(futures: Futures): Endpoint {
  return endpoint({
    method: 'GET',
    paths: unstable([feature], '/delayed_events/:delayId'),
    authentication: 'required',
    summary: 'Tells of one of your delayed events',
    answers: deployedEventSchema,
    handle: async ({ requester, params }) => ({
      body: deployedEvent(futures, await ownDelayedEvent(futures, requester.user, params.delayId)),
    }),
  });
}

import type { Futures } from '@matrix-futures/engine';
import { clientV1, endpoint, type Endpoint } from '@matrix-futures/http';
import { delayedEvent, delayedEventSchema } from '../delayed-event.ts';
import { ownDelayedEvent } from '../own-delayed-event.ts';

/** `GET /v1/delayed_events/{delayId}` (MSC4140 as merged, "Getting a single delayed event") */
export function getOwnDelayedEvent(futures: Futures): Endpoint {
  return endpoint({
    method: 'GET',
    paths: clientV1('/delayed_events/:delayId'),
    authentication: 'required',
    summary: 'Tells of one of your delayed events',
    answers: delayedEventSchema,
    handle: async ({ requester, params }) => ({
      body: delayedEvent(futures, await ownDelayedEvent(futures, requester.user, params.delayId)),
    }),
  });
}

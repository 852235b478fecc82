import type { Futures } from '@matrix-futures/engine';
import { endpoint, type Endpoint, MatrixError, unstable } from '@matrix-futures/http';
import Type from 'typebox';
import { type Action, actions } from '../manage.ts';
import { actOnDelayedEvent } from './act.ts';
import { feature } from './delay.ts';

/** `POST /unstable/org.matrix.msc4140/delayed_events/{delayId}/{action}`, as js-sdk 43 sends it: without a body. */
export function delayedEventAction(futures: Futures, action: Action): Endpoint {
  return endpoint({
    method: 'POST',
    paths: unstable([feature], `/delayed_events/:delayId/${action}`),
    authentication: 'optional',
    summary: `Makes a delayed event ${action}`,
    handle: ({ requester, params }) => actOnDelayedEvent(futures, requester, params.delayId, action),
  });
}

/** `POST /unstable/org.matrix.msc4140/delayed_events/{delayId} {"action"}`, the older form of the same. */
export function delayedEventActionInBody(futures: Futures): Endpoint {
  return endpoint({
    method: 'POST',
    paths: unstable([feature], '/delayed_events/:delayId'),
    authentication: 'optional',
    summary: 'Sends, restarts or cancels a delayed event',
    body: Type.Object({ action: Type.Unknown() }),
    handle: ({ requester, params, body }) => {
      const asked = body().action;
      const action = actions.find((one) => one === asked);
      if (action === undefined)
        throw new MatrixError('invalidParam', `action must be one of ${actions.join(', ')}`);
      return actOnDelayedEvent(futures, requester, params.delayId, action);
    },
  });
}

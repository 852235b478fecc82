import type { Futures } from '@matrix-futures/engine';
import { endpoint, type Endpoint, unstable } from '@matrix-futures/http';
import Type from 'typebox';
import { type Action, actions } from '../manage.ts';
import { nothing } from '../nothing.ts';
import { actOnDelayedEvent } from './act.ts';
import { feature } from './delay.ts';

/** `POST /unstable/org.matrix.msc4140/delayed_events/{delayId}/{action}`, as js-sdk 43 sends it: without a body. */
export function delayedEventAction(futures: Futures, action: Action): Endpoint {
  return endpoint({
    method: 'POST',
    paths: unstable([feature], `/delayed_events/:delayId/${action}`),
    authentication: 'optional',
    summary: `Makes a delayed event ${action}`,
    answers: nothing,
    handle: (call) => actOnDelayedEvent(futures, call, call.params.delayId, action),
  });
}

/** `POST /unstable/org.matrix.msc4140/delayed_events/{delayId} {"action"}`, the older form of the same. */
export function delayedEventActionInBody(futures: Futures): Endpoint {
  return endpoint({
    method: 'POST',
    paths: unstable([feature], '/delayed_events/:delayId'),
    authentication: 'optional',
    summary: 'Sends, restarts or cancels a delayed event',
    body: Type.Object({ action: Type.Union(actions.map((action) => Type.Literal(action))) }),
    wrongBody: 'invalidParam',
    answers: nothing,
    handle: (call) => actOnDelayedEvent(futures, call, call.params.delayId, call.body().action),
  });
}

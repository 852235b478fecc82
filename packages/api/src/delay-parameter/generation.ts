import type { Futures } from '@matrix-futures/engine';
import { type Endpoint, MatrixError } from '@matrix-futures/http';
import { refuseParameters } from '../refused-parameters.ts';
import { actions } from './act.ts';
import { codeField, delayParameters } from './delay.ts';
import { delayedEventAction, delayedEventActionInBody } from './delayed-event-action.ts';
import { delayedSend } from './delayed-send.ts';
import { delayedState } from './delayed-state.ts';

/** The query parameter that clients use today, and what acts on the events it delays. */
export function delayEndpoints(futures: Futures): Endpoint[] {
  return [
    delayedSend(futures),
    delayedState(futures),
    ...actions.map((action) => delayedEventAction(futures, action)),
    delayedEventActionInBody(futures),
  ];
}

/** What is left of them where they are switched off. */
export function delaysAreOff(): Endpoint {
  return refuseParameters(
    delayParameters,
    () =>
      new MatrixError('badRequest', 'This server does not delay events', {
        [codeField]: 'M_MAX_DELAY_UNSUPPORTED',
      }),
  );
}

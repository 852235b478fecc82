import type { Futures } from '@matrix-futures/engine';
import { type Endpoint, MatrixError } from '@matrix-futures/http';
import { actions } from '../manage.ts';
import { refuseParameters } from '../refused-parameters.ts';
import { codeField, delayParameters, parentParameter } from './delay.ts';
import { delayedEventAction, delayedEventActionInBody } from './delayed-event-action.ts';
import { delayedSend, delayedSendWithoutTransaction } from './delayed-send.ts';
import { delayedState } from './delayed-state.ts';
import { getDelayedEvent } from './get.ts';
import { listDelayedEvents } from './list.ts';

/** The query parameter that clients use today. */
export function delayEndpoints(futures: Futures): Endpoint[] {
  return [
    ...refuseParameters([parentParameter], noParents),
    delayedSend(futures),
    delayedSendWithoutTransaction(futures),
    delayedState(futures),
  ];
}

/** What manages the events it delays. The generation after it has the same paths while it is unstable. */
export function unstableDelayedEvents(futures: Futures): Endpoint[] {
  return [
    ...actions.map((action) => delayedEventAction(futures, action)),
    delayedEventActionInBody(futures),
    listDelayedEvents(futures),
    getDelayedEvent(futures),
  ];
}

const noParents = (): MatrixError =>
  new MatrixError('invalidParam', 'This server does not make a delayed event depend on another one');

/** What is left of the parameters where they are switched off. */
export function delaysAreOff(): Endpoint[] {
  return refuseParameters(
    [...delayParameters, parentParameter],
    () =>
      new MatrixError('badRequest', 'This server does not delay events', {
        [codeField]: 'M_MAX_DELAY_UNSUPPORTED',
      }),
  );
}

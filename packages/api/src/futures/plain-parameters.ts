import type { Futures } from '@matrix-futures/engine';
import type { Endpoint } from '@matrix-futures/http';
import { sendPaths, statePaths } from '../plain-paths.ts';
import { futureParameters } from './parameters.ts';
import { sendFuture } from './send-future.ts';
import { stateFuture } from './state-future.ts';

const when = { parameters: futureParameters };

/**
 * `PUT /rooms/{roomId}/send/{eventType}/{txnId}?future_timeout=…` (text of 6 June 2024, "Reusing the send/state
 * endpoint"): `send_future` by another name, so one transaction id is one future whichever of the two it comes by.
 */
export function sendWithFutureParameters(futures: Futures): Endpoint {
  return { ...sendFuture(futures), paths: sendPaths, when };
}

/** `PUT /rooms/{roomId}/state/{eventType}/{stateKey}?future_timeout=…`: `state_future` by another name. */
export function stateWithFutureParameters(futures: Futures): Endpoint {
  return { ...stateFuture(futures), paths: statePaths, when };
}

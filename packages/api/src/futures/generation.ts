import type { Futures } from '@matrix-futures/engine';
import { type Endpoint, MatrixError } from '@matrix-futures/http';
import { refuseParameters } from '../refused-parameters.ts';
import { batch, type PlainSend, refusedBatch, unstableBatch } from './batch.ts';
import { listFutures } from './list.ts';
import { futureParameters } from './parameters.ts';
import { sendWithFutureParameters, stateWithFutureParameters } from './plain-parameters.ts';
import { reissueTokens } from './reissue.ts';
import { sendFuture } from './send-future.ts';
import { stateFuture } from './state-future.ts';
import { useToken } from './token.ts';
import { useTokens } from './use-tokens.ts';

/** Futures as of 6 June 2024, and what this server adds to them. */
export function futuresEndpoints(futures: Futures, plainSend: PlainSend): Endpoint[] {
  return [
    sendFuture(futures),
    stateFuture(futures),
    sendWithFutureParameters(futures),
    stateWithFutureParameters(futures),
    batch(futures, plainSend),
    unstableBatch(futures, plainSend),
    useToken(futures),
    listFutures(futures),
    useTokens(futures),
    reissueTokens(futures),
  ];
}

/** What is left of them where they are switched off. */
export function futuresAreOff(plainSend: PlainSend): Endpoint[] {
  const refusal = (): MatrixError => new MatrixError('forbidden', 'This server does not schedule futures');
  return [...refuseParameters(futureParameters, refusal), refusedBatch(plainSend, refusal)];
}

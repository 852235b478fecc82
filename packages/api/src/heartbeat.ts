import type { Ms } from '@matrix-futures/engine';
import { type Endpoint, MatrixError, type Requester } from '@matrix-futures/http';
import type { QueryTexts } from './query-texts.ts';
import { vendorFeature } from './vendor.ts';

/** Flag of `/versions`, and parameter of everything that schedules with a timeout. */
export const heartbeatFeature = `${vendorFeature}.heartbeat`;

/** Restarting a timer is a write: one a second and future at most. */
const shortest: Ms = 1_000;

/**
 * `dev.matrix-futures.heartbeat=sync`, our own addition: while the device that asks keeps syncing, the timer does not
 * run out (the text of 6 June 2024 has it as an alternative, "Use the client sync loop as a heartbeat"; MSC4018).
 * @returns the device whose syncs count; null: none
 * @throws MatrixError M_INVALID_PARAM
 */
export function heartbeatOf({ device }: Requester, query: QueryTexts, timeout: Ms | null): string | null {
  const text = query[heartbeatFeature];
  if (text === undefined) return null;
  if (text !== 'sync')
    throw new MatrixError('invalidParam', `${heartbeatFeature} must be "sync", the one heartbeat there is`);
  if (device === null)
    throw new MatrixError('invalidParam', `${heartbeatFeature}: this login has no device that could sync`);
  if (timeout === null || timeout < shortest)
    throw new MatrixError('invalidParam', `${heartbeatFeature} needs a timeout of at least ${shortest} ms`);
  return device;
}

/**
 * The same endpoint where nobody sees syncs: it refuses the parameter. Ignored, it would have an event sent while its
 * device is syncing.
 */
export function withoutHeartbeats(endpoint: Endpoint): Endpoint {
  return {
    ...endpoint,
    answer: (incoming) => {
      if (!incoming.query.values.has(heartbeatFeature)) return endpoint.answer(incoming);
      throw new MatrixError('invalidParam', `${heartbeatFeature}: this server does not see syncs`);
    },
  };
}

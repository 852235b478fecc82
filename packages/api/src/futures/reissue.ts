import type { Futures } from '@matrix-futures/engine';
import { endpoint, type Endpoint, unstable } from '@matrix-futures/http';
import Type from 'typebox';
import { vendorFeature } from '../vendor.ts';

/**
 * `POST /unstable/dev.matrix-futures/reissue`, our own addition, for a login that was stolen: every token of the
 * caller's running futures becomes invalid. The new ones are in the list. Answers `{reissued}`, how many futures.
 */
export function reissueTokens(futures: Futures): Endpoint {
  return endpoint({
    method: 'POST',
    paths: unstable([vendorFeature], '/reissue'),
    authentication: 'required',
    answers: Type.Object({ reissued: Type.Integer() }),
    summary: 'Makes new tokens for all your running futures',
    handle: async ({ requester }) => ({ body: { reissued: await futures.reissue(requester.user) } }),
  });
}

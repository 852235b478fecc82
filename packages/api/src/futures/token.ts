import type { Futures, UseAnswer } from '@matrix-futures/engine';
import { client, clientV1, endpoint, type Endpoint, MatrixError, unstable } from '@matrix-futures/http';
import { nothing } from '../nothing.ts';
import { useError } from '../refusals.ts';
import { features } from './spellings.ts';

export const tokenMethods = ['POST', 'PUT'] as const;

/** Revisions of the weeks after the text moved it to `/v1/future/{token}`. */
export const tokenPaths = [
  ...client('/futures/:token'),
  ...clientV1('/future/:token'),
  ...unstable(features, '/futures/:token', '/future/:token'),
];

/**
 * `POST` and `PUT /futures/{token}` (text of 6 June 2024, "Delegating futures"): does what the token stands for. No
 * login, no body; neither is looked at when it is there. Tokens that the server has never made are told apart from
 * used and invalidated ones by nothing.
 */
export function useToken(futures: Futures): Endpoint {
  return endpoint({
    method: tokenMethods,
    paths: tokenPaths,
    authentication: 'none',
    summary: 'Sends, refreshes or cancels a future, as its token says',
    answers: nothing,
    handle: async ({ params }) => {
      const answer = await futures.use(params.token);
      if (answer.kind === 'done') return {};
      throw tokenError(answer);
    },
  });
}

/** @param answer what became of the use of a token, other than `done` */
export function tokenError(answer: Exclude<UseAnswer, { readonly kind: 'done' }>): MatrixError {
  switch (answer.kind) {
    case 'gone':
    case 'no-timer':
      return new MatrixError('futureTokenGone', 'This token is unknown, used up or invalidated');
    default:
      return useError(answer);
  }
}

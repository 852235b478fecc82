import { HomeserverUnavailable, type Refusal, type UserId } from '@matrix-futures/engine';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { Upstream } from '../upstream/upstream.ts';
import { readError } from './answer-error.ts';
import { OwnTrouble } from './own-trouble.ts';

const account = Compile(
  Type.Object({
    deactivated: Type.Optional(Type.Boolean()),
    locked: Type.Optional(Type.Boolean()),
    shadow_banned: Type.Optional(Type.Boolean()),
  }),
);

/**
 * What Synapse's administrators see of an account and nobody else does (`GET /_synapse/admin/v2/users/{userId}`) and what
 * stops no masquerade. Suspension does, but for leaves, so it is left to Synapse. A token that is no administrator's is told of, and then nothing is judged by it.
 * @returns a function that rejects with HomeserverUnavailable
 */
export function synapseAccounts(
  upstream: Upstream,
  token: string,
  onTrouble: (trouble: OwnTrouble) => void,
): (user: UserId) => Promise<Refusal | null> {
  return async (user) => {
    const answer = await upstream.ask({
      method: 'GET',
      path: `/_synapse/admin/v2/users/${encodeURIComponent(user)}`,
      token,
      limit: 10_000,
    });
    const { status, body } = answer;
    if (status === 200 && account.Check(body)) {
      const why = (['deactivated', 'locked', 'shadow_banned'] as const).find((word) => body[word] === true);
      return why === undefined ? null : refused(`The account ${user} is ${why.replace('_', '-')}`);
    }
    // A proxy that does not let through to the administrators' API says 404, too.
    if (status === 404 && readError(answer).errcode === 'M_NOT_FOUND')
      return refused(`There is no account ${user}`);
    if (status < 500 && status !== 429) {
      onTrouble(
        new OwnTrouble(`Synapse refuses the token of --synapse-admin-token-file: HTTP status ${status}`),
      );
      return null;
    }
    throw new HomeserverUnavailable(`Synapse answered ${status} when asked about an account`);
  };
}

const refused = (error: string): Refusal => ({ status: 403, errcode: 'M_FORBIDDEN', error });

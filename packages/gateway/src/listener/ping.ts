import { HomeserverUnavailable } from '@matrix-futures/engine';
import { readError } from '../delivery/answer-error.ts';
import { OwnTrouble } from '../delivery/own-trouble.ts';
import type { Registration } from '../registration/registration.ts';
import type { Upstream } from '../upstream/upstream.ts';

/**
 * Has the homeserver try whether it reaches the listener (`POST /appservice/{id}/ping`, client-server specification
 * v1.7): Synapse then pushes at once what it has kept, instead of up to 8.5 minutes later. Dendrite has no such endpoint.
 * @throws OwnTrouble it does not reach the listener
 */
export async function pingListener(upstream: Upstream, { id, asToken, url }: Registration): Promise<void> {
  try {
    const answer = await upstream.ask({
      method: 'POST',
      path: `/_matrix/client/v1/appservice/${encodeURIComponent(id)}/ping`,
      token: asToken,
      body: {},
      limit: 60_000,
    });
    const { errcode, error } = readError(answer);
    if (answer.status < 400 || answer.status === 429 || errcode === 'M_UNRECOGNIZED' || errcode === null)
      return;
    throw new OwnTrouble(
      `The homeserver does not reach the gateway at ${url ?? 'no url'}: ${errcode}: ${error}`,
    );
  } catch (error) {
    if (error instanceof OwnTrouble || !(error instanceof HomeserverUnavailable)) throw error;
  }
}

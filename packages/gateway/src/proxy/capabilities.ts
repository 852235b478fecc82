import { type Forwarder, type Passing, relay } from './forward.ts';
import { type Members, merge, readObject } from './merging.ts';
import { bodyToRewrite, readable, sendRewritten } from './rewriting.ts';

const foreign = /(?:^m\.|msc4140\.)delayed_events$/;

/**
 * `GET /capabilities` (client-server API, "Capabilities negotiation"): the homeserver's answer to this client, errors
 * unchanged, with our capabilities in place of its own of the same subject.
 * @param ours asked at every request
 * @returns what serves a request; rejects with NoAnswer
 */
export function serveCapabilities(
  forwarder: Forwarder,
  ours: () => Members,
): (passing: Passing) => Promise<void> {
  const rules = { member: 'capabilities', foreign, ours };
  return async (passing) => {
    const answer = await forwarder.send(passing, { headers: readable });
    if (passing.request.method !== 'GET') return relay(answer, passing.response);
    const bytes = await bodyToRewrite(answer, passing.response);
    if (bytes === null) return;
    const body = readObject(bytes);
    const merged = body === null ? bytes : JSON.stringify(merge(body, rules));
    sendRewritten(answer, passing.response, merged);
  };
}

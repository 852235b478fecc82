import type { Ms } from '@matrix-futures/engine';
import { type Fallback, MatrixError } from '@matrix-futures/http';
import type { IncomingMessage } from 'node:http';
import type { DelayIds } from './delay-ids.ts';
import { asksForEvents } from './delay-ids.ts';
import { type Forwarder, type Passing, relay } from './forward.ts';
import type { Guard } from './guard.ts';
import { hasPassedHere } from './headers.ts';
import { loginsChangedBy, type OnLoginsChange } from './logins.ts';
import { clientSegments, rawPath } from './path.ts';
import { type PlainState, stateKeySet } from './plain-state.ts';
import { endUnread } from './unread.ts';
import type { Versions } from './versions.ts';

/**
 * What clients reach through the gateway. `paths`: what is served here, and the plain requests that share a path with
 * it; everything else goes straight to the homeserver, so that a gateway that is down takes no messages down with it.
 * `all`: everything.
 */
export type Front = 'paths' | 'all';

export interface FrontParts {
  readonly front: Front;
  readonly guard: Guard;
  readonly forwarder: Forwarder;
  readonly versions: Versions;
  readonly capabilities: (passing: Passing) => Promise<void>;
  readonly plainState: PlainState;
  /** null: nobody wants them */
  readonly delayIds: DelayIds | null;
  readonly onLoginsChange: OnLoginsChange;
  /** A client that takes nothing of its answer for so long is given up. */
  readonly longestUnread: Ms;
}

/** What becomes of a request that no endpoint answers. */
export function createFront(parts: FrontParts): Fallback {
  const { guard, forwarder } = parts;
  return (request, response) => {
    const passing = { request, response };
    endUnread(response, parts.longestUnread);
    const refusal = guard(request.url ?? '/') ?? judgeFront(parts.front, request);
    if (refusal !== null) return forwarder.refuse(passing, refusal);
    serve(parts, passing).catch((error: unknown) => forwarder.fail(passing, error));
  };
}

/** null: it is among those that this front lets through */
export function judgeFront(front: Front, request: IncomingMessage): MatrixError | null {
  const { url = '/' } = request;
  if (hasPassedHere(request))
    return new MatrixError(
      'badGateway',
      'The upstream leads back to this gateway; it has to be the address of the homeserver itself',
    );
  if (front === 'all' || isVersions(url)) return null;
  const [first, , second] = clientSegments(url) ?? [];
  if (first === 'capabilities' || (first === 'rooms' && (second === 'send' || second === 'state')))
    return null;
  return new MatrixError('unrecognized', 'Only futures, and what shares a path with them, are served here');
}

async function serve(parts: FrontParts, passing: Passing): Promise<void> {
  const { request, response } = passing;
  const { method, url = '/' } = request;
  const isRead = method === 'GET' || method === 'HEAD';
  if (isRead && isVersions(url)) return parts.versions.serve(passing);
  if (isRead && clientSegments(url)?.join('/') === 'capabilities') return parts.capabilities(passing);
  const key = stateKeySet(method, url);
  if (key !== null) return parts.plainState.serve(passing, key);
  if (parts.delayIds !== null && asksForEvents(method, url)) return parts.delayIds.serve(passing);
  const answer = await parts.forwarder.send(passing);
  const { statusCode = 502 } = answer;
  const change = statusCode >= 200 && statusCode < 300 ? loginsChangedBy(request) : null;
  if (change !== null) parts.onLoginsChange(change);
  relay(answer, response);
}

function isVersions(url: string): boolean {
  return rawPath(url) === '/_matrix/client/versions';
}

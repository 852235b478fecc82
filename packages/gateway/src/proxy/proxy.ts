import type { Ms, Timers } from '@matrix-futures/engine';
import type { Authenticate, Endpoint, Fallback, OnUpgrade } from '@matrix-futures/http';
import { serveCapabilities } from './capabilities.ts';
import { DelayIds, type DelayIdsOf } from './delay-ids.ts';
import { Forwarder } from './forward.ts';
import { createFront, type Front, judgeFront } from './front.ts';
import { createGuard, createParameterGuard } from './guard.ts';
import type { OnLoginsChange } from './logins.ts';
import type { Members } from './merging.ts';
import { plainSend } from './plain-send.ts';
import { PlainState, type WithStateKey } from './plain-state.ts';
import { Target } from './target.ts';
import { longestUnread } from './unread.ts';
import { refuseTunnel, tunnel } from './upgrade.ts';
import { Versions } from './versions.ts';

export interface ProxyOptions {
  /** of the homeserver, without `/_matrix` */
  readonly upstream: string;
  readonly front: Front;
  readonly timers: Timers;
  /** Connections to the homeserver at once; each long poll takes one. Default 4096. */
  readonly connections?: number;
  /** A client that takes nothing of its answer for so long is given up. Default 60 s. */
  readonly longestUnread?: Ms;
  /** Names of the query parameters that ask for an event to be sent later: such requests never go on. */
  readonly delayingParameters: readonly string[];
  /** for `unstable_features` in `/versions`: asked at every request */
  readonly unstableFeatures: () => Readonly<Record<string, boolean>>;
  /** for `/capabilities`: asked at every request */
  readonly capabilities: () => Members;
  readonly withStateKey: WithStateKey;
  readonly onLoginsChange: OnLoginsChange;
  /** Adds delay ids to `unsigned`; without it, no answer with events is looked into. */
  readonly delayIds?: { readonly authenticate: Authenticate; readonly idsOf: DelayIdsOf };
}

/** The proxy in front of the homeserver: what the server does with requests that are not for futures. */
export interface Proxy {
  readonly fallback: Fallback;
  readonly onUpgrade: OnUpgrade;
  /** The plain `send` for the batch, which shares a path with it. */
  readonly plainSend: { readonly endpoint: Endpoint; hasAnswered(): boolean };
  /** Ends the syncs that wait for something new, so that a server that closes need not wait for them. */
  endPolls(): void;
  /** Ends every connection to the homeserver. */
  close(): void;
}

const manyConnections = 4096;

/** @throws TypeError when `upstream` is no URL */
export function createProxy(options: ProxyOptions): Proxy {
  const { front, timers, delayIds } = options;
  const target = new Target(options.upstream, options.connections ?? manyConnections);
  const guard = createGuard(options.delayingParameters);
  const forwarder = new Forwarder(target, timers);
  return {
    fallback: createFront({
      front,
      guard,
      forwarder,
      versions: new Versions(forwarder, timers, options.unstableFeatures),
      capabilities: serveCapabilities(forwarder, options.capabilities),
      plainState: new PlainState(forwarder, options.withStateKey, timers),
      delayIds: delayIds ? new DelayIds(forwarder, delayIds.authenticate, delayIds.idsOf, timers) : null,
      onLoginsChange: options.onLoginsChange,
      longestUnread: options.longestUnread ?? longestUnread,
    }),
    onUpgrade: (request, socket, head) => {
      const refusal = guard(request.url ?? '/') ?? judgeFront(front, request);
      if (refusal === null) tunnel(target, { request, socket, head });
      else refuseTunnel(socket, refusal);
    },
    plainSend: plainSend(target, createParameterGuard(options.delayingParameters)),
    endPolls: () => forwarder.endPolls(),
    close: () => target.close(),
  };
}

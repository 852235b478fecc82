import type { Place, ServerOfPlace } from '../../js-sdk/place.ts';
import { type GatewayInFront, startGatewayInFront } from '../gateway-process.ts';
import type { Upstream } from '../upstreams.ts';

/** A gateway that clients ask everything, in front of a homeserver. */
export interface GatewayOfPlace extends ServerOfPlace {
  readonly front: GatewayInFront;
}

export interface GatewayPlace extends Place {
  open(flags: readonly string[]): Promise<GatewayOfPlace>;
}

/** Its `stop` and `startAgain` are of the gateway: the homeserver goes on. */
export function gatewayBefore(upstream: Upstream): GatewayPlace {
  return {
    name: `the gateway in front of ${upstream.name}`,
    syncsStickyEvents: upstream.name === 'Synapse',
    hearsOfStateLater: true,
    open: async (flags) => {
      const all = ['--front', 'all', '--delay-ids', '--rate-limits', 'on', ...flags];
      const front = await startGatewayInFront(upstream, all);
      return {
        front,
        url: front.gateway.url,
        stop: (signal) => front.gateway.stop(signal),
        startAgain: () => front.gateway.startAgain(),
        [Symbol.asyncDispose]: () => front[Symbol.asyncDispose](),
      };
    },
  };
}

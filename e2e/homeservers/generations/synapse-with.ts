import { join } from 'node:path';
import { startSynapse } from '../synapse.ts';
import type { Upstream } from '../upstreams.ts';

/** A real Synapse with those keys in its `homeserver.yaml`, to be put behind a gateway. */
export function synapseWith(config: Readonly<Record<string, unknown>>): Upstream {
  return {
    name: 'Synapse',
    isOurs: true,
    isImitation: false,
    timeLimit: 5_000,
    losesMessagesInCrash: false,
    registration: null,
    start: async (directory) => {
      const registrations = ['puppet', 'listener'].map((name) => join(directory, `${name}.yaml`));
      const synapse = await startSynapse({ registrations, serverName: 'localhost', config });
      return {
        url: synapse.url,
        serverName: synapse.serverName,
        process: { kill: synapse.kill, start: synapse.start },
        [Symbol.asyncDispose]: () => synapse[Symbol.asyncDispose](),
      };
    },
  };
}

import type { Futures, Generation } from '@matrix-futures/engine';
import type { Endpoint, FastPath } from '@matrix-futures/http';
import { feature as delayFeature } from './delay-parameter/delay.ts';
import { delayEndpoints, delaysAreOff } from './delay-parameter/generation.ts';
import { atBatchPath, type PlainSend } from './futures/batch.ts';
import { futuresAreOff, futuresEndpoints } from './futures/generation.ts';
import { features as futuresFeatures, vendorFeature } from './futures/spellings.ts';
import { tokenFastPath } from './futures/token-fast-path.ts';
import { sendPaths } from './plain-paths.ts';

export interface ApiOptions {
  readonly futures: Futures;
  /** Those that are served. The parameters of the others are refused on the plain endpoints, never ignored. */
  readonly generations: ReadonlySet<Generation>;
  readonly plainSend: PlainSend;
  /** told of defects on the fast path, which the server's own log does not see */
  readonly onError: (error: unknown) => void;
}

export interface Api {
  readonly endpoints: readonly Endpoint[];
  readonly fastPath: FastPath;
  /** for `unstable_features` in `/versions` */
  readonly unstableFeatures: Readonly<Record<string, boolean>>;
}

/** Everything that the generations of the protocol put into the server. */
export function apiEndpoints({ futures, generations, plainSend, onError }: ApiOptions): Api {
  const hasFutures = generations.has('futures');
  const hasDelays = generations.has('delay-parameter');
  // To clients, the prefix that both share means the delay parameter: they would use it where it is off.
  const futuresNames = futuresFeatures.filter((name) => name !== delayFeature);
  const endpoints = [
    ...(hasFutures ? futuresEndpoints(futures, plainSend) : [futuresAreOff()]),
    ...(hasDelays ? delayEndpoints(futures) : [delaysAreOff()]),
  ];
  return {
    endpoints: hasFutures ? [...endpoints, ...takingFromSend(endpoints).map(atBatchPath)] : endpoints,
    fastPath: hasFutures ? tokenFastPath(futures, onError) : () => false,
    unstableFeatures: Object.fromEntries(
      [...(hasFutures ? [...futuresNames, vendorFeature] : []), ...(hasDelays ? [delayFeature] : [])].map(
        (name) => [name, true],
      ),
    ),
  };
}

/** Those that take some of the requests of plain `send`: the batch's path takes from them in turn, and gives back. */
function takingFromSend(endpoints: readonly Endpoint[]): Endpoint[] {
  const paths: readonly string[] = sendPaths;
  return endpoints.filter((one) => one.when !== null && one.paths.some((path) => paths.includes(path)));
}

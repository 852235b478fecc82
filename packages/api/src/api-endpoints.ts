import type { Futures, Generation, JsonObject } from '@matrix-futures/engine';
import type { Endpoint, FastPath } from '@matrix-futures/http';
import { delayParameters, feature as delayFeature, parentParameter } from './delay-parameter/delay.ts';
import { delayEndpoints, delaysAreOff, unstableDelayedEvents } from './delay-parameter/generation.ts';
import { features as delayedEventsFeatures } from './delayed-events/feature.ts';
import {
  delayedEventsAreOff,
  delayedEventsCapabilities,
  delayedEventsEndpoints,
} from './delayed-events/generation.ts';
import { atBatchPath, type PlainSend } from './futures/batch.ts';
import { futuresAreOff, futuresEndpoints } from './futures/generation.ts';
import { futureParameters } from './futures/parameters.ts';
import { flags as futuresFlags } from './futures/spellings.ts';
import { tokenFastPath } from './futures/token-fast-path.ts';
import { heartbeatFeature, withoutHeartbeats } from './heartbeat.ts';
import { ofOneGeneration } from './one-generation.ts';
import type { Chapter } from './openapi/document.ts';
import { openApiEndpoints } from './openapi/endpoints.ts';
import { sendPaths } from './plain-paths.ts';
import { vendorFeature } from './vendor.ts';

export interface ApiOptions {
  readonly futures: Futures;
  /** Those that are served. What would schedule by the others is refused, never ignored. */
  readonly generations: ReadonlySet<Generation>;
  readonly plainSend: PlainSend;
  /** The homeserver tells `Futures.deviceSyncs` of every sync; otherwise heartbeats by sync are refused. */
  readonly seesSyncs: boolean;
  /** told of defects on the fast path, which the server's own log does not see */
  readonly onError: (error: unknown) => void;
}

export interface Api {
  readonly endpoints: readonly Endpoint[];
  readonly fastPath: FastPath;
  /** for `unstable_features` in `/versions` */
  readonly unstableFeatures: Readonly<Record<string, boolean>>;
  /** for `/capabilities` */
  readonly capabilities: JsonObject;
}

/** The query parameters of plain endpoints, by generation. */
const parametersByGeneration = [futureParameters, [...delayParameters, parentParameter]];

/**
 * The query parameters by which any generation, served or not, asks for an event to be sent later. Whoever takes such a
 * request and does not know its parameter sends the event at once.
 */
export const delayingParameters: readonly string[] = parametersByGeneration.flat();

/** Everything that the generations of the protocol put into the server. */
export function apiEndpoints({ futures, generations, plainSend, seesSyncs, onError }: ApiOptions): Api {
  const hasFutures = generations.has('futures');
  const hasDelays = generations.has('delay-parameter');
  const hasDelayedEvents = generations.has('delayed-events');
  const chapters: readonly Chapter[] = [
    {
      name: 'Futures',
      endpoints: hasFutures ? futuresEndpoints(futures, plainSend) : futuresAreOff(plainSend),
    },
    { name: 'Delay parameter', endpoints: hasDelays ? delayEndpoints(futures) : delaysAreOff() },
    {
      name: 'Delayed events',
      endpoints: hasDelayedEvents ? delayedEventsEndpoints(futures) : delayedEventsAreOff(),
    },
    {
      name: 'Delayed events, unstable',
      endpoints: hasDelays || hasDelayedEvents ? unstableDelayedEvents(futures) : [],
    },
  ];
  const endpoints = [...chapters.flatMap((chapter) => chapter.endpoints), ...openApiEndpoints(chapters)];
  const all = [...endpoints, ...takingFromSend(endpoints).map(atBatchPath)].map((one) =>
    ofOneGeneration(one, parametersByGeneration),
  );
  return {
    endpoints: seesSyncs ? all : all.map(withoutHeartbeats),
    fastPath: hasFutures ? tokenFastPath(futures, onError) : () => false,
    unstableFeatures: Object.fromEntries(
      [
        ...(hasFutures ? [...futuresFlags, vendorFeature] : []),
        ...(hasDelays ? [delayFeature] : []),
        ...(hasDelayedEvents ? delayedEventsFeatures : []),
        ...(seesSyncs ? [heartbeatFeature] : []),
      ].map((name) => [name, true]),
    ),
    capabilities: hasDelayedEvents ? delayedEventsCapabilities(futures) : {},
  };
}

/** Those that take some of the requests of plain `send`: the batch's path takes from them in turn, and gives back. */
function takingFromSend(endpoints: readonly Endpoint[]): Endpoint[] {
  const paths: readonly string[] = sendPaths;
  return endpoints.filter((one) => one.when !== null && one.paths.some((path) => paths.includes(path)));
}

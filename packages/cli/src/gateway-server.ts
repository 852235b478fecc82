import { type Api, apiEndpoints, delayingParameters, storeError } from '@matrix-futures/api';
import { defaultRemoteOptions, Futures, type RemoteOptions, Tokens } from '@matrix-futures/engine';
import { createProxy, gatewayHeader, loadRegistrations, openGateway } from '@matrix-futures/gateway';
import { createServer } from '@matrix-futures/http';
import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Config, GatewayConfig } from './config/config.ts';
import { delayIdsOf } from './delay-ids.ts';
import { listen } from './listen.ts';
import { Observation } from './observation.ts';
import type { RunningServer } from './server.ts';
import { StartError } from './start-error.ts';
import { inTurnOfStateKey } from './state-key-turn.ts';
import { openStorage, openStore } from './storage.ts';
import { randomness, timers } from './system.ts';

/**
 * Puts the packages together for a homeserver that is elsewhere, and listens. It need not be there yet.
 * @throws StartError, RegistrationError, DataDirectoryInUse, DataDirectoryUnusable, SchemaTooNew: each with one line for
 *   whoever started it
 */
export async function startGateway(
  config: Config,
  upstream: GatewayConfig,
  logger: Logger,
): Promise<RunningServer> {
  // Closed in the opposite order of opening, whether the start fails or the server ends.
  await using opened = new AsyncDisposableStack();
  const observation = opened.use(await Observation.open(config, logger));
  const { onError, onFired } = observation;

  const storage = openStorage(config.dataDir, opened, logger);
  const { clock } = storage;
  const { registrations, warnings } = await loadRegistrations(upstream.registration);
  for (const warning of warnings) logger.warn(warning);
  const gateway = opened.use(
    openGateway({
      ...{ registrations, clock, timers },
      upstreamUrl: upstream.upstream,
      kind: upstream.kind,
      synapseAdminToken: await readToken(upstream.synapseAdminTokenFile),
      onTrouble: onError,
    }),
  );
  const store = openStore(storage, config.retention, opened);
  const futures = new Futures({
    ...{ store, clock, timers, randomness, onError, onFired },
    limits: config.limits,
    homeserver: gateway.port,
    remote: remoteOptions(upstream),
    tokens: new Tokens(storage.tokenKeys),
  });

  let api: Api | null = null;
  const proxy = createProxy({
    ...{ timers, delayingParameters },
    upstream: upstream.upstream,
    front: upstream.front,
    unstableFeatures: () => api?.unstableFeatures ?? {},
    capabilities: () => api?.capabilities ?? {},
    withStateKey: (key, run) => inTurnOfStateKey(store, timers, key, run),
    onLoginsChange: (change) => gateway.forgetLogins(change),
    ...(upstream.delayIds && {
      delayIds: {
        authenticate: gateway.authenticate,
        idsOf: (user, events) => delayIdsOf(store, futures, user, new Set(events)),
      },
    }),
  });
  opened.defer(() => proxy.close());
  api = apiEndpoints({
    futures,
    generations: new Set(config.generations),
    // Whoever sends batches is limited by how many futures they may schedule.
    plainSend: { ...proxy.plainSend, countEvent: () => {} },
    seesSyncs: false,
    onError,
  });
  const listening = {
    ownerOn: futures.ownerOn.bind(futures),
    stateArrived: futures.stateArrived.bind(futures),
    lockState: store.lockState.bind(store),
  };

  const server = await createServer({
    endpoints: [...api.endpoints, ...gateway.listenerEndpoints(listening)],
    authenticate: gateway.authenticate,
    fastPath: api.fastPath,
    fallback: proxy.fallback,
    onUpgrade: proxy.onUpgrade,
    translate: storeError,
    // By it the doctor tells an answer of ours from one of the homeserver's.
    headers: { [gatewayHeader.name]: gatewayHeader.value },
    ...{ logger, timers },
  });
  server.onClosing(() => proxy.endPolls());
  opened.defer(() => futures.stop());
  opened.defer(() => server.close());
  const { url } = await listen(server, config.listen);
  observation.watchStore(store);
  observation.watch('homeserver_reachable', '1 while the homeserver answers, 0 while it is away', () =>
    gateway.isAway ? 0 : 1,
  );
  await observation.listen(config);
  // What a killed predecessor left is taken up by what is known of the homeserver.
  await gateway.recognise();
  await futures.start();
  void gateway.start().catch(onError);

  const running = opened.move();
  return { url, close: () => running.disposeAsync() };
}

/** A lease outlasts an attempt, the time until that is certainly over, and a look. */
function remoteOptions({ requestLimit }: GatewayConfig): RemoteOptions {
  return { ...defaultRemoteOptions, requestLimit, lease: 4 * requestLimit };
}

async function readToken(file: string | null): Promise<string | null> {
  if (file === null) return null;
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw StartError.from(`The access token in ${file} cannot be read`, error);
  }
}

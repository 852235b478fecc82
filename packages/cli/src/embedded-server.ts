import { apiEndpoints, storeError, type Api } from '@matrix-futures/api';
import { Futures, Tokens } from '@matrix-futures/engine';
import { openHomeserver, quirkProfiles, translateStorageError } from '@matrix-futures/homeserver';
import { createServer } from '@matrix-futures/http';
import type { Logger } from 'pino';
import { readAppServices } from './app-services.ts';
import type { Config } from './config/config.ts';
import { isLoopback, listen } from './listen.ts';
import { Observation } from './observation.ts';
import type { RunningServer } from './server.ts';
import { openStorage, openStore } from './storage.ts';
import { randomness, timers } from './system.ts';

/**
 * Puts the packages together with the homeserver inside, and listens. What it has opened is closed again when it cannot start.
 * @throws StartError, ConfigError, DataDirectoryInUse, DataDirectoryUnusable, SchemaTooNew, WrongServerName,
 *   BadRegistration: each with one line for whoever started it
 */
export async function startEmbedded(config: Config, logger: Logger): Promise<RunningServer> {
  const { serverName, limits } = config;
  // Closed in the opposite order of opening, whether the start fails or the server ends.
  await using opened = new AsyncDisposableStack();
  const observation = opened.use(await Observation.open(config, logger));
  const { onError } = observation;

  const storage = openStorage(config.dataDir, opened, logger);
  const { database, clock } = storage;
  const applicationServices = await readAppServices(config.appServices);
  const quirks = config.quirks === null ? null : quirkProfiles[config.quirks];
  let api: Api | null = null;
  const homeserver = await openHomeserver({
    ...{ database, clock, timers, randomness, serverName },
    openRegistration: config.openRegistration,
    registrationSharedSecret: config.registrationSharedSecret,
    defaultRoomVersion: config.defaultRoomVersion,
    rateLimits: limits.perUser,
    publicUrl: config.publicUrl,
    applicationServices,
    onError,
    ...(quirks !== null && { quirks }),
    features: () => api?.unstableFeatures ?? {},
    capabilities: () => api?.capabilities ?? {},
  });
  const store = openStore(storage, config.retention, opened);
  const futures = new Futures({
    ...{ store, clock, timers, randomness, limits, onError },
    homeserver: homeserver.port,
    tokens: new Tokens(storage.tokenKeys),
    // Told inside the unit; what a full disk undoes has not fired.
    onFired: (late) => database.turn.onCommit(() => observation.onFired(late)),
  });
  homeserver.onNewState((key, event, sender) => void futures.stateArrived(key, event, sender));
  homeserver.onDeactivated((user) => void futures.deactivated(user));
  homeserver.onSync((user, device) => futures.deviceSyncs(user, device));
  // A server that is imitated answers what it makes of futures itself.
  if (quirks === null) {
    const { send: endpoint, hasAnswered, countEvent } = homeserver.plain;
    api = apiEndpoints({
      futures,
      generations: new Set(config.generations),
      plainSend: { endpoint, hasAnswered, countEvent },
      seesSyncs: true,
      onError,
    });
  }

  const server = await createServer({
    endpoints: [...(api?.endpoints ?? []), ...homeserver.endpoints],
    authenticate: homeserver.authenticate,
    ...(api !== null && { fastPath: api.fastPath }),
    translate: (error) => storeError(error) ?? translateStorageError(error),
    logger,
    timers,
  });
  server.onClosing(() => homeserver.endPolls());
  opened.defer(() => homeserver.stopPushing());
  opened.defer(() => futures.stop());
  opened.defer(() => server.close());
  const { host, url } = await listen(server, config.listen);
  if (config.openRegistration && !isLoopback(host))
    logger.warn(`anybody who reaches ${url} may register an account: registration is open`);
  observation.watchStore(store);
  await observation.listen(config);
  await futures.start();
  homeserver.startPushing();

  const running = opened.move();
  return { url, close: () => running.disposeAsync() };
}

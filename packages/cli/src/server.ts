import { apiEndpoints, storeError, type Api } from '@matrix-futures/api';
import { Futures, Tokens } from '@matrix-futures/engine';
import { openHomeserver, translateStorageError } from '@matrix-futures/homeserver';
import { createServer } from '@matrix-futures/http';
import { type Database, openDatabase } from '@matrix-futures/sqlite';
import { SqliteStore } from '@matrix-futures/store-sqlite';
import type { Logger } from 'pino';
import { readAppServices } from './app-services.ts';
import { BackgroundFailures } from './background-failures.ts';
import type { Config } from './config/config.ts';
import { openDataDirectory } from './data-directory.ts';
import { Lateness } from './lateness.ts';
import { StartError } from './start-error.ts';
import { openClock } from './stored-clock.ts';
import { machine, randomness, timers } from './system.ts';

export interface RunningServer {
  /** where it listens: `http://127.0.0.1:8008` */
  readonly url: string;
  /** Stops accepting, lets what is in flight finish, commits, and gives the data directory back. */
  close(): Promise<void>;
}

/**
 * Puts the packages together and listens. What it has opened is closed again when it cannot start.
 * @throws StartError, ConfigError, DataDirectoryInUse, DataDirectoryUnusable, SchemaTooNew, WrongServerName,
 *   BadRegistration: each with one line for whoever started it
 */
export async function startServer(config: Config, logger: Logger): Promise<RunningServer> {
  const { serverName, limits } = config;
  const failures = new BackgroundFailures(logger, machine.running);
  const onError = (error: unknown): void => failures.record(error);
  // Closed in the opposite order of opening, whether the start fails or the server ends.
  await using opened = new AsyncDisposableStack();

  const data = opened.use(openDataDirectory(config.dataDir, randomness));
  if (data.tokenKeyLost)
    logger.warn('token-key was missing: no token that was made before is valid any more');
  const database = openFile(data.database);
  opened.defer(() => database.close());
  const clock = openClock(database, machine, timers);
  opened.defer(() => clock.stop());

  const applicationServices = await readAppServices(config.appServices);
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
    features: () => api?.unstableFeatures ?? {},
    capabilities: () => api?.capabilities ?? {},
  });
  const lateness = opened.use(new Lateness(logger, timers));
  const store = opened.use(new SqliteStore({ database, clock, retention: config.retention }));
  const futures = new Futures({
    ...{ store, clock, timers, randomness, limits, onError },
    homeserver: homeserver.port,
    tokens: new Tokens(data.tokenKeys),
    // Told inside the unit; what a full disk undoes has not fired.
    onFired: (late) => database.turn.onCommit(() => lateness.record(late)),
  });
  homeserver.onNewState((key, event, sender) => void futures.stateArrived(key, event, sender));
  homeserver.onDeactivated((user) => void futures.deactivated(user));
  homeserver.onSync((user, device) => futures.deviceSyncs(user, device));
  api = apiEndpoints({
    futures,
    generations: new Set(config.generations),
    plainSend: { endpoint: homeserver.plain.send, hasAnswered: homeserver.plain.hasAnswered },
    onError,
  });

  const server = await createServer({
    endpoints: [...api.endpoints, ...homeserver.endpoints],
    authenticate: homeserver.authenticate,
    fastPath: api.fastPath,
    translate: (error) => storeError(error) ?? translateStorageError(error),
    logger,
    timers,
  });
  server.onClosing(() => homeserver.endPolls());
  opened.defer(() => homeserver.stopPushing());
  opened.defer(() => futures.stop());
  opened.defer(() => server.close());
  const { host, port } = await listen(server, config.listen);
  if (config.openRegistration && !isLoopback(host))
    logger.warn(`anybody who reaches ${host}:${port} may register an account: registration is open`);
  await futures.start();
  homeserver.startPushing();

  const running = opened.move();
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: () => running.disposeAsync(),
  };
}

function openFile(path: string): Database {
  try {
    return openDatabase({ path, timers });
  } catch (error) {
    throw StartError.from(`The database ${path} cannot be opened`, error);
  }
}

const isLoopback = (host: string): boolean => host === '::1' || host.startsWith('127.');

async function listen(
  server: Awaited<ReturnType<typeof createServer>>,
  { host, port }: Config['listen'],
): Promise<{ readonly host: string; readonly port: number }> {
  try {
    return await server.listen(host, port);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
      throw new StartError(`${host}:${port} is taken: another process listens there.`, { cause: error });
    throw StartError.from(`Cannot listen on ${host}:${port}`, error);
  }
}

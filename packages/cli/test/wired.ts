import { Futures, Tokens, type LocalHomeserver } from '@matrix-futures/engine';
import { openHomeserver } from '@matrix-futures/homeserver';
import { openDatabase, type Database } from '@matrix-futures/sqlite';
import { SqliteStore } from '@matrix-futures/store-sqlite';
import { parseConfig, type Config } from '../src/config/config.ts';
import { openDataDirectory } from '../src/data-directory.ts';
import { openClock } from '../src/stored-clock.ts';
import { machine, randomness, timers } from '../src/system.ts';

/** What a test does in the middle of a unit. */
export interface Between {
  /** an event is in the room, and the future it came of does not know yet */
  readonly eventAndOutcome?: (database: Database, event: string) => void;
  /** new state has been told to the engine, and whoever sent it was not answered */
  readonly stateAndAnswer?: (database: Database) => void;
  readonly onError?: (error: unknown) => void;
}

export interface Wired extends AsyncDisposable {
  readonly database: Database;
  readonly futures: Futures;
  readonly homeserver: LocalHomeserver;
}

export function configOf(dataDir: string): Config {
  const given = { 'data-dir': dataDir, listen: '127.0.0.1:0', 'open-registration': 'on' } as const;
  return parseConfig(
    new Map(
      Object.entries(given).map(([name, value]) => [name as keyof typeof given, { value, from: 'the test' }]),
    ),
  );
}

/** The engine, the store and the homeserver on one database, as the server wires them, without HTTP. */
export async function openWired(dataDir: string, between: Between): Promise<Wired> {
  const { serverName, limits, retention, defaultRoomVersion } = configOf(dataDir);
  const opened = new AsyncDisposableStack();
  const data = opened.use(openDataDirectory(dataDir, randomness));
  const database = openDatabase({ path: data.database, timers });
  opened.defer(() => database.close());
  const clock = openClock(database, machine, timers);
  opened.defer(() => clock.stop());
  const embedded = await openHomeserver({
    ...{ database, clock, timers, randomness, serverName, defaultRoomVersion },
    openRegistration: true,
    registrationSharedSecret: null,
    rateLimits: false,
    publicUrl: null,
    features: () => ({}),
    capabilities: () => ({}),
  });
  const homeserver: LocalHomeserver = {
    ...embedded.port,
    append(draft, timestamp) {
      const result = embedded.port.append(draft, timestamp);
      if (result.kind === 'accepted') between.eventAndOutcome?.(database, result.event);
      return result;
    },
  };
  const futures = new Futures({
    ...{
      store: new SqliteStore({ database, clock, retention }),
      clock,
      timers,
      randomness,
      limits,
      homeserver,
    },
    tokens: new Tokens(data.tokenKeys),
    onError: between.onError ?? (() => {}),
  });
  embedded.onNewState((key, event, sender) => {
    void futures.stateArrived(key, event, sender);
    between.stateAndAnswer?.(database);
  });
  opened.defer(() => futures.stop());
  return {
    database,
    futures,
    homeserver: embedded.port,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

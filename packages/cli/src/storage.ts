import type { Clock, Retention } from '@matrix-futures/engine';
import { type Database, openDatabase } from '@matrix-futures/sqlite';
import { SqliteStore } from '@matrix-futures/store-sqlite';
import type { Logger } from 'pino';
import { openDataDirectory } from './data-directory.ts';
import { StartError } from './start-error.ts';
import { openClock } from './stored-clock.ts';
import { machine, randomness, timers } from './system.ts';

/** What a data directory holds, open. */
export interface Storage {
  readonly database: Database;
  readonly clock: Clock;
  /** 32 bytes each, oldest first */
  readonly tokenKeys: readonly Uint8Array[];
}

/**
 * Takes the data directory, and opens what is in it; closed by `opened`, in the opposite order.
 * @throws StartError, DataDirectoryInUse, DataDirectoryUnusable, SchemaTooNew
 */
export function openStorage(directory: string, opened: AsyncDisposableStack, logger: Logger): Storage {
  const data = opened.use(openDataDirectory(directory, randomness));
  if (data.tokenKeyLost)
    logger.warn('token-key was missing: no token that was made before is valid any more');
  const database = openFile(data.database);
  opened.defer(() => database.close());
  const clock = openClock(database, machine, timers);
  opened.defer(() => clock.stop());
  return { database, clock, tokenKeys: data.tokenKeys };
}

function openFile(path: string): Database {
  try {
    return openDatabase({ path, timers });
  } catch (error) {
    throw StartError.from(`The database ${path} cannot be opened`, error);
  }
}

/** The store of futures in that database; closed by `opened`. */
export function openStore(
  { database, clock }: Storage,
  retention: Retention,
  opened: AsyncDisposableStack,
): SqliteStore {
  return opened.use(new SqliteStore({ database, clock, retention }));
}

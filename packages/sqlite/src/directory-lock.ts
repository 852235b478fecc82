import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { resultCode } from './storage-error.ts';

/** Another process works on this data directory. */
export class DataDirectoryInUse extends Error {
  override readonly name = 'DataDirectoryInUse';
}

/** The data directory cannot be made or written to. */
export class DataDirectoryUnusable extends Error {
  override readonly name = 'DataDirectoryUnusable';
}

const SQLITE_BUSY = 5;

/**
 * Keeps every other process away from `directory`, which is made if it is missing. The lock is an exclusive
 * transaction on a database of its own: the kernel frees it when the process ends, however it ends, whereas a pid
 * file would be left behind by `kill -9`. Disposing frees it.
 * @throws DataDirectoryInUse, DataDirectoryUnusable: each with a message of one line
 */
export function lockDataDirectory(directory: string): Disposable {
  try {
    makeDirectory(directory);
    const connection = new DatabaseSync(join(directory, 'lock.db'));
    try {
      // In memory: a rollback journal beside the lock would have to be recovered after every kill.
      connection.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    } catch (error) {
      connection.close();
      throw error;
    }
    return { [Symbol.dispose]: () => connection.isOpen && connection.close() };
  } catch (error) {
    if (((resultCode(error) ?? 0) & 0xff) === SQLITE_BUSY) {
      throw new DataDirectoryInUse(`The data directory ${directory} is in use by another process.`, {
        cause: error,
      });
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataDirectoryUnusable(`The data directory ${directory} cannot be used: ${reason}`, {
      cause: error,
    });
  }
}

/**
 * Makes a directory and those above it. Not by `recursive`: where nothing can be made below a directory that is there
 * (/proc, an automount), node takes its ENOENT for a missing parent, and tries again for ever.
 */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // somebody else has made it meanwhile
    if (!existsSync(path)) throw error;
  }
}

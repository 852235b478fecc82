import type { Randomness } from '@matrix-futures/engine';
import { lockDataDirectory } from '@matrix-futures/sqlite';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from './start-error.ts';

export interface DataDirectory extends Disposable {
  /** the database's file */
  readonly database: string;
  /** what tokens are made with, 32 bytes each, oldest first */
  readonly tokenKeys: readonly Uint8Array[];
  /** There was a database but no key: a new one was made, and no token made before will ever work again. */
  readonly tokenKeyLost: boolean;
}

const keyBytes = 32;

/**
 * Takes the data directory for this process, and makes what is missing in it. Disposing gives it back.
 * @throws DataDirectoryInUse, DataDirectoryUnusable, StartError
 */
export function openDataDirectory(directory: string, randomness: Randomness): DataDirectory {
  const lock = lockDataDirectory(directory);
  try {
    const database = join(directory, 'matrix-futures.db');
    // Beside the database, not inside: whoever gets hold of a backup of the database gets no tokens with it.
    const keyFile = join(directory, 'token-key');
    const made = makeKey(keyFile, randomness);
    return {
      database,
      tokenKeys: readKeys(keyFile),
      tokenKeyLost: made && existsSync(database),
      [Symbol.dispose]: () => lock[Symbol.dispose](),
    };
  } catch (error) {
    lock[Symbol.dispose]();
    throw StartError.from(`The data directory ${directory} cannot be used`, error);
  }
}

/** Durable before the first token leaves: without its key, no token would survive a loss of power. */
function makeKey(path: string, randomness: Randomness): boolean {
  if (existsSync(path)) return false;
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, randomness.bytes(keyBytes));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return true;
}

function readKeys(path: string): readonly Uint8Array[] {
  const bytes = readFileSync(path);
  if (bytes.length === 0 || bytes.length % keyBytes !== 0)
    throw new StartError(
      `The token key ${path} is damaged: it has ${bytes.length} bytes, not ${keyBytes} for each key.`,
    );
  return Array.from({ length: bytes.length / keyBytes }, (_, index) =>
    bytes.subarray(index * keyBytes, (index + 1) * keyBytes),
  );
}

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Checkpointer } from '../src/checkpointer.ts';
import { durability } from '../src/durability.ts';

let directory: string;
let path: string;
let connection: DatabaseSync;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'matrix-futures-sqlite-'));
  path = join(directory, 'test.db');
  connection = new DatabaseSync(path);
  connection.exec(`${durability} CREATE TABLE blobs (id INTEGER PRIMARY KEY, data BLOB) STRICT;`);
});
afterEach(() => {
  connection.close();
  rmSync(directory, { recursive: true, force: true });
});

const page = 4096;
const never = Infinity;

function logPages(): number {
  return statSync(`${path}-wal`).size / page;
}

/** Commits of 20 pages without a pause, over the same 10 rows; only the worker's answers come in between. */
async function load(checkpointer: Checkpointer, commits: number, until = () => false): Promise<void> {
  const put = connection.prepare('INSERT OR REPLACE INTO blobs (id, data) VALUES (?, ?)');
  for (let i = 0; i < commits && !until(); i++) {
    put.run(i % 10, new Uint8Array(20 * page));
    checkpointer.committed();
    await setImmediate();
  }
}

test('the worker copies what is worth copying', async () => {
  const limits = { worthCopying: 100, long: never, smallRest: 0, tooLong: never };
  const checkpointer = new Checkpointer(connection, path, limits);
  const state = connection.prepare('PRAGMA wal_checkpoint(NOOP)');
  const copied = () => Number(state.get()?.['checkpointed']);
  await load(checkpointer, 4);
  expect(copied()).toBe(0);
  await load(checkpointer, 10_000, () => copied() >= 100);
  expect(copied()).toBeGreaterThanOrEqual(100);
  checkpointer.close();
});

test('a long log starts over once the worker has copied all but a small rest', async () => {
  const limits = { worthCopying: 100, long: 400, smallRest: 50, tooLong: never };
  const checkpointer = new Checkpointer(connection, path, limits);
  const state = connection.prepare('PRAGMA wal_checkpoint(NOOP)');
  const length = () => Number(state.get()?.['log']);
  await load(checkpointer, 10_000, () => length() >= 400);
  await load(checkpointer, 10_000, () => length() < 400);
  expect(length()).toBeLessThan(400);
  checkpointer.close();
});

test('a log that grows faster than the worker copies starts over all the same', async () => {
  const limits = { worthCopying: never, long: 100, smallRest: 0, tooLong: 800 };
  // Of a worker that copies nothing: while one is copying the main thread cannot, and how long depends on the machine.
  const checkpointer = new Checkpointer(connection, join(directory, 'missing', 'test.db'), limits);
  await load(checkpointer, 200);
  expect(logPages()).toBeLessThan(1_000);
  checkpointer.close();
});

test('a checkpoint that fails harms no commit and is tried again later', async () => {
  const limits = { worthCopying: 20, long: never, smallRest: 0, tooLong: never };
  const checkpointer = new Checkpointer(connection, join(directory, 'missing', 'test.db'), limits);
  await load(checkpointer, 50);
  expect(connection.prepare('SELECT count(*) AS n FROM blobs').get()).toEqual({ n: 10 });
  checkpointer.close();
});

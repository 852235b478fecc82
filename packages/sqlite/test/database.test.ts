import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  DataDirectoryInUse,
  DataDirectoryUnusable,
  lockDataDirectory,
  openDatabase,
  SchemaTooNew,
} from '../src/index.ts';
import { nameDatabase } from './memory-database.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'matrix-futures-sqlite-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const timers = {
  soon(run: () => void) {
    const handle = setImmediate(run);
    return () => clearImmediate(handle);
  },
};

describe('migrations', () => {
  const first = { version: 1, sql: 'CREATE TABLE a (x INTEGER) STRICT' };
  const second = { version: 2, sql: 'ALTER TABLE a ADD COLUMN y INTEGER' };

  test('each is applied once, later ones when they come', () => {
    const path = join(directory, 'test.db');
    for (const known of [[first], [first], [first, second], [first, second]]) {
      const database = openDatabase({ path, timers });
      database.migrate('a', known);
      const columns = database.connection.prepare("SELECT name FROM pragma_table_info('a')").all();
      expect(columns).toHaveLength(known.length);
      database.close();
    }
  });

  test('components count their versions separately', () => {
    const { database } = nameDatabase();
    database.migrate('a', [first, second]);
    database.migrate('b', [{ version: 1, sql: 'CREATE TABLE b (x INTEGER) STRICT' }]);
    expect(() => database.migrate('b', [])).toThrow(SchemaTooNew);
  });

  test('a database of a newer release is refused, with both versions named, and left as it is', () => {
    const { database } = nameDatabase();
    database.migrate('a', [first, second]);
    expect(() => database.migrate('a', [first])).toThrow(/version 2 of the "a" tables.*up to version 1/);
    database.migrate('a', [first, second]);
  });

  test('one that fails leaves nothing of its component behind', () => {
    const { database } = nameDatabase();
    expect(() =>
      database.migrate('a', [first, { version: 2, sql: 'ALTER TABLE nowhere ADD COLUMN x' }]),
    ).toThrow('no such table');
    expect(database.connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'a'").all()).toEqual([]);
  });
});

describe('statements', () => {
  test('give rows as objects, or as arrays of their columns', () => {
    const { database } = nameDatabase();
    const sql = "SELECT 1 AS a, 'x' AS b, NULL AS c";
    expect(database.prepare<[], object>(sql).all()).toEqual([{ a: 1, b: 'x', c: null }]);
    expect(database.prepareTuples<[], [number, string, null]>(sql).all()).toEqual([[1, 'x', null]]);
  });
});

describe('the file', () => {
  test('what was committed is there when it is opened again', async () => {
    const path = join(directory, 'test.db');
    const { database, timers: manual, insert } = nameDatabase(path);
    const unit = database.turn.unit(() => insert('a'));
    manual.turn();
    await unit;
    database.close();
    const again = nameDatabase(path);
    expect(again.names()).toEqual(['a']);
    again.database.close();
  });

  test.skipIf(process.platform === 'win32')('nobody but its owner may read it, nor its log', async () => {
    const path = join(directory, 'test.db');
    const { database } = nameDatabase(path);
    expect([path, `${path}-wal`].map((file) => statSync(file).mode & 0o077)).toEqual([0, 0]);
    database.close();
  });

  test('every commit is synced to the disk', () => {
    const { database } = nameDatabase(join(directory, 'test.db'));
    const pragma = (name: string) =>
      Object.values(database.connection.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    expect(['journal_mode', 'synchronous', 'fullfsync', 'wal_autocheckpoint'].map(pragma)).toEqual([
      'wal',
      2,
      1,
      0,
    ]);
    database.close();
  });

  test('the log is copied into the database beside the main thread', async () => {
    const path = join(directory, 'test.db');
    const database = openDatabase({ path, timers });
    database.migrate('test', [{ version: 1, sql: 'CREATE TABLE blobs (data BLOB) STRICT' }]);
    const insert = database.prepare<[Uint8Array], never>('INSERT INTO blobs (data) VALUES (?)');
    const state = database.connection.prepare('PRAGMA wal_checkpoint(NOOP)');
    const copied = () => Number(state.get()?.['checkpointed']);
    expect(copied()).toBe(0);
    // 6 MB a turn: beyond what is worth a checkpoint. Later turns find it copied.
    await database.turn.unit(() => insert.run(new Uint8Array(6_000_000)));
    while (copied() < 1_000) await database.turn.unit(() => insert.run(new Uint8Array(10)));
    database.close();
    expect(() => statSync(`${path}-wal`)).toThrow('ENOENT');
  });
});

describe('the lock on the data directory', () => {
  test('a directory that is missing is made', () => {
    const missing = join(directory, 'a', 'b');
    lockDataDirectory(missing)[Symbol.dispose]();
    expect(statSync(missing).isDirectory()).toBe(true);
  });

  test('it is exclusive while it is held, within one process too', () => {
    const lock = lockDataDirectory(directory);
    expect(() => lockDataDirectory(directory)).toThrow(DataDirectoryInUse);
    lock[Symbol.dispose]();
    lockDataDirectory(directory)[Symbol.dispose]();
  });

  test('another process is refused with one clear line, until kill -9 frees it', async () => {
    const child = spawn(process.execPath, [new URL('lock-holder.ts', import.meta.url).pathname, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(() => lockDataDirectory(directory)).toThrow(
      new DataDirectoryInUse(`The data directory ${directory} is in use by another process.`),
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
    lockDataDirectory(directory)[Symbol.dispose]();
  });

  test('a path that cannot be a directory is refused with one line that names it', () => {
    expect(() => lockDataDirectory('/dev/null/data')).toThrow(DataDirectoryUnusable);
    expect(() => lockDataDirectory('/dev/null/data')).toThrow(
      /^The data directory \/dev\/null\/data cannot be used: [^\n]*$/,
    );
  });

  // Nothing can be made there, and the reason given is the one that a missing parent has.
  test.runIf(existsSync('/proc/self'))('so is one in a directory where nothing can be made', () => {
    expect(() => lockDataDirectory('/proc/missing/data')).toThrow(DataDirectoryUnusable);
  });
});

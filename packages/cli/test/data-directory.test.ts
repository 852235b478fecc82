import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDataDirectory } from '../src/data-directory.ts';
import { randomness } from '../src/system.ts';

let parent: string;
let directory: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'data-'));
  directory = join(parent, 'deep', 'data');
});
afterEach(() => rmSync(parent, { recursive: true }));

it('makes the directory and the key for their owner only', () => {
  using data = openDataDirectory(directory, randomness);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, 'token-key')).mode & 0o777).toBe(0o600);
  expect(data.tokenKeys.map((key) => key.length)).toEqual([32]);
  expect(data.tokenKeyLost).toBe(false);
});

it('keeps the key', () => {
  const first = openDataDirectory(directory, randomness);
  first[Symbol.dispose]();
  using second = openDataDirectory(directory, randomness);
  expect(second.tokenKeys).toEqual(first.tokenKeys);
});

it('is taken once at a time', () => {
  using data = openDataDirectory(directory, randomness);
  expect(data.database).toContain(directory);
  expect(() => openDataDirectory(directory, randomness)).toThrow(
    expect.objectContaining({ name: 'DataDirectoryInUse' }),
  );
});

it('reads several keys, oldest first', () => {
  openDataDirectory(directory, randomness)[Symbol.dispose]();
  writeFileSync(join(directory, 'token-key'), Buffer.concat([Buffer.alloc(32, 1), Buffer.alloc(32, 2)]));
  using data = openDataDirectory(directory, randomness);
  expect(data.tokenKeys.map((key) => key[0])).toEqual([1, 2]);
});

it('refuses a damaged key, and does not keep the directory then', () => {
  openDataDirectory(directory, randomness)[Symbol.dispose]();
  writeFileSync(join(directory, 'token-key'), 'short');
  expect(() => openDataDirectory(directory, randomness)).toThrow(/token-key is damaged: it has 5 bytes/);
  expect(() => openDataDirectory(directory, randomness)).toThrow(/damaged/);
});

it('says that the key of an existing database is lost', () => {
  openDataDirectory(directory, randomness)[Symbol.dispose]();
  writeFileSync(join(directory, 'matrix-futures.db'), '');
  rmSync(join(directory, 'token-key'));
  using data = openDataDirectory(directory, randomness);
  expect(data.tokenKeyLost).toBe(true);
});

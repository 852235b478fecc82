import type { Ms } from '@matrix-futures/engine';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Check, failed, type Finding, ok, unchecked } from './check.ts';

const rounds = 20;
const slowest: Ms = 5;

/**
 * Every refresh waits for one sync of the disk. Twenty times as many bytes as one takes are written and synced.
 * @param elapsed milliseconds, with a fraction, that only grow
 */
export function diskIsFast(directory: string, elapsed: () => Ms): Check {
  return {
    name: 'the disk syncs in time',
    run: () => whereReadable(directory, () => judgeDisk(directory, elapsed)),
  };
}

async function judgeDisk(directory: string, elapsed: () => Ms): Promise<Finding> {
  const path = join(directory, '.doctor');
  await using file = await open(path, 'w', 0o600);
  try {
    const took: Ms[] = [];
    for (let round = 0; round < rounds; round++) {
      const began = elapsed();
      await file.write(Buffer.alloc(4_096, round), 0, 4_096, round * 4_096);
      await file.datasync();
      took.push(elapsed() - began);
    }
    const middle = took.sort((a, b) => a - b)[rounds / 2] ?? 0;
    const seen = `${middle.toFixed(1)} ms at the median of ${rounds}`;
    return middle <= slowest
      ? ok(seen)
      : failed(seen, `put --data-dir on a local disk that syncs within ${slowest} ms, no network share`);
  } finally {
    await rm(path, { force: true });
  }
}

const keyName = 'token-key';
const keyBytes = 32;
const others = 0o077;

/** Without it every token and delay id is lost, and with it every call that is going on. */
export function tokenKeyIsSafe(directory: string): Check {
  return { name: 'the token key is safe', run: () => whereReadable(directory, () => judgeKey(directory)) };
}

async function judgeKey(directory: string): Promise<Finding> {
  const path = join(directory, keyName);
  const found = await sizeAndMode(path);
  if (found === null)
    return failed(
      `${path} is missing`,
      'start the gateway once, or put the copy of the key back; without it no token made before works',
    );
  if (found.size === 0 || found.size % keyBytes !== 0)
    return failed(`${path} is damaged: it has ${found.size} bytes`, 'put the copy of the key back');
  if ((found.mode & others) !== 0)
    return failed(`${path} can be read by others than its owner`, `chmod 600 ${path}`);
  const copy = await copyBeside(directory);
  if (copy !== null)
    return failed(
      `${copy} is a copy of the key among backups of the database: whoever gets hold of them has every token`,
      'keep the copy of the key elsewhere',
    );
  return ok('there for its owner alone; keep a copy of it apart from the backups of the database');
}

/** Folders of the data directory are where backups are put; the key itself is not in one. */
async function copyBeside(directory: string): Promise<string | null> {
  const entries = await readdir(directory, { withFileTypes: true });
  for (const folder of entries.filter((entry) => entry.isDirectory())) {
    const path = join(directory, folder.name, keyName);
    if ((await sizeAndMode(path)) !== null) return path;
  }
  return null;
}

async function sizeAndMode(path: string): Promise<{ readonly size: number; readonly mode: number } | null> {
  try {
    const { size, mode } = await stat(path);
    return { size, mode };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

async function whereReadable(directory: string, run: () => Promise<Finding>): Promise<Finding> {
  try {
    return await run();
  } catch (error) {
    if (codeOf(error) === 'ENOENT')
      return failed(
        `${directory} does not exist`,
        'let --data-dir be the one that the gateway is started with',
      );
    if (codeOf(error) === 'EACCES')
      return unchecked(`${directory} belongs to another user; run this as that one`);
    throw error;
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : null);

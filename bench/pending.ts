/** A million pending futures: the memory they take in a running server, and how long it takes to start with them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultLimits, Futures, Tokens, type Clock, type LocalHomeserver } from '@matrix-futures/engine';
import { openDatabase } from '@matrix-futures/sqlite';
import { SqliteStore } from '@matrix-futures/store-sqlite';
import { machine, randomness, timers } from '@matrix-futures/cli';
import type { Pace } from './pace.ts';
import { startFutures } from './process.ts';
import { figure, median, whole, type Figure } from './report.ts';

const perOwner = 1_000;
const aMonth = 30 * 86_400_000;

export async function pending(directory: string, pace: Pace): Promise<Figure[]> {
  const emptyDirectory = join(directory, 'empty');
  const fullDirectory = join(directory, 'full');
  await mkdir(fullDirectory);
  await seed(join(fullDirectory, 'matrix-futures.db'), pace.pending);
  const empty = await startAndWeigh(emptyDirectory, pace.rounds);
  const full = await startAndWeigh(fullDirectory, pace.rounds);
  const each = (full.bytes - empty.bytes) / pace.pending;
  const count = whole(pace.pending);
  return [
    figure(
      `resident memory a pending future, ${count} pending`,
      `${whole(each)} bytes`,
      '≤ 400 bytes',
      each <= 400,
    ),
    figure(
      `Node's start to the ready line, ${count} pending`,
      `${(full.startedIn / 1000).toFixed(2)} s`,
      '≤ 3 s',
      full.startedIn <= 3_000,
    ),
  ];
}

async function startAndWeigh(
  directory: string,
  rounds: number,
): Promise<{ readonly bytes: number; readonly startedIn: number }> {
  const bytes: number[] = [];
  const startedIn: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await using server = await startFutures(directory);
    startedIn.push(server.startedIn);
    bytes.push(await server.residentBytes());
  }
  return { bytes: median(bytes), startedIn: median(startedIn) };
}

/** Fills a database through the engine itself: message futures in groups of their own, due within a month. */
async function seed(path: string, count: number): Promise<void> {
  const clock: Clock = { now: () => machine.wall(), wall: () => machine.wall() };
  const database = openDatabase({ path, timers });
  const retention = { listed: aMonth, listedPerOwner: perOwner, tombstones: aMonth };
  await using store = new SqliteStore({ database, clock, retention });
  const homeserver: LocalHomeserver = {
    kind: 'local',
    judgeForm: () => null,
    append: () => ({ kind: 'accepted', event: '$never' }),
  };
  const futures = new Futures({
    ...{ store, homeserver, clock, timers, randomness },
    tokens: new Tokens([randomness.bytes(32)]),
    limits: defaultLimits,
    onError: (error) => {
      throw error;
    },
  });
  const together = 1_000;
  for (let done = 0; done < count; done += together) {
    const owner = `@owner-${Math.floor(done / perOwner)}:localhost`;
    await Promise.all(
      Array.from({ length: Math.min(together, count - done) }, (_, index) =>
        futures.schedule({
          owner,
          generation: 'futures',
          draft: {
            room: '!room:localhost',
            sender: owner,
            type: 'm.room.message',
            stateKey: null,
            content: { msgtype: 'm.text', body: `pending ${done + index}` },
            extras: {},
          },
          timeout: aMonth - ((done + index) % 1_000_000),
          groupName: null,
          scope: null,
        }),
      ),
    );
  }
  database.close();
}

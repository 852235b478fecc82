/**
 * A process that schedules, refreshes and sends as fast as it can on the database it is given, and says each answer in
 * a line of its own, after it was answered, until it is killed.
 */
import { writeSync } from 'node:fs';
import { openDatabase } from '@matrix-futures/sqlite';
import type { Future } from '@matrix-futures/engine';
import { SqliteStore } from '../src/index.ts';
import { edit, refresh, schedule, sent } from './samples.ts';
import { timers, usualRetention } from './store-fixture.ts';

const [path = '', from = '0'] = process.argv.slice(2);
const clock = { now: () => Number(from) + performance.now(), wall: () => Math.floor(Number(from)) };
const database = openDatabase({ path, timers });
const store = new SqliteStore({
  database,
  clock,
  retention: usualRetention,
  journal: { least: 50, perFuture: 0 },
});

function say(what: string, future: number, deadline: number | null): void {
  writeSync(1, `${what} ${future} ${deadline}\n`);
}

async function work(name: string): Promise<void> {
  for (let round = 0; ; round += 1) {
    const future: Future = await schedule(store, {
      name: `${name} ${from} ${round}`,
      timeout: 1e9,
      key: name,
    });
    say('scheduled', future.id, future.deadline);
    for (let count = 0; count < 5; count += 1) say('refreshed', future.id, await refresh(store, future));
    if (round % 2 === 0) continue;
    await edit(store, future.id, sent);
    say('sent', future.id, null);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, at) => work(`worker ${at}`)));

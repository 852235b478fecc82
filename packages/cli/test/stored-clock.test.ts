import type { Timers } from '@matrix-futures/engine';
import { openDatabase, type Database } from '@matrix-futures/sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Machine } from '../src/server-time.ts';
import { openClock } from '../src/stored-clock.ts';

let directory: string;
let database: Database;
let running = 0;
let wallOffset = 0;
let boot = 'first';
let alarms: { at: number; run: () => void }[] = [];

const machine: Machine = {
  read: () => ({ boot, running, suspendedAtLeast: -10, suspendedAtMost: 10, wall: machine.wall() }),
  running: () => running,
  wall: () => running + wallOffset,
};
const timers: Timers = {
  after(delay, run) {
    const alarm = { at: running + delay, run };
    alarms.push(alarm);
    return () => void (alarms = alarms.filter((one) => one !== alarm));
  },
  soon(run) {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  },
};

function open(): Database {
  const opened = openDatabase({ path: join(directory, 'clock.db'), timers });
  opened.connection.exec('CREATE TABLE IF NOT EXISTS anything (id INTEGER PRIMARY KEY)');
  return opened;
}

function pass(ms: number): void {
  running += ms;
  const due = alarms.filter(({ at }) => at <= running);
  alarms = alarms.filter(({ at }) => at > running);
  for (const { run } of due) run();
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'clock-'));
  running = 1_000;
  wallOffset = 1_700_000_000_000;
  boot = 'first';
  alarms = [];
  database = open();
});

afterEach(() => {
  database.close();
  rmSync(directory, { recursive: true });
});

/** A change of anything. */
const commit = (): Promise<unknown> => {
  const change = database.prepare('REPLACE INTO anything VALUES (1)');
  return database.turn.unit(() => change.run());
};
const storedServer = (): unknown =>
  database.connection.prepare('SELECT server FROM clock_anchor').get()?.['server'];

it('is carried by the first change, and by one a second from then on', async () => {
  const clock = openClock(database, machine, timers);
  expect(storedServer()).toBeUndefined();
  await commit();
  const first = clock.now();
  expect(storedServer()).toBe(first);
  pass(999);
  await commit();
  expect(storedServer()).toBe(first);
  pass(1);
  await commit();
  expect(storedServer()).toBe(first + 1_000);
});

it('is not carried by a turn that only reads, which a full disk must not stop', async () => {
  openClock(database, machine, timers);
  await commit();
  const before = storedServer();
  pass(1_000);
  await database.turn.unit(() => {});
  expect(storedServer()).toBe(before);
});

it('goes on where it was after a restart, whatever was done to the wall clock', async () => {
  const clock = openClock(database, machine, timers);
  pass(5_000);
  await commit();
  const before = clock.now();
  database.close();
  wallOffset -= 86_400_000;
  running += 2_500;
  database = open();
  expect(openClock(database, machine, timers).now()).toBe(before + 2_500);
});

it('knows after a reboot that the wall clock was set while nothing was committed', async () => {
  const clock = openClock(database, machine, timers);
  await commit();
  wallOffset += 86_400_000;
  pass(10_000);
  await commit();
  const before = clock.now();
  database.close();
  boot = 'second';
  wallOffset += running + 60_000;
  running = 0;
  database = open();
  expect(openClock(database, machine, timers).now()).toBe(before + 60_000);
});

it('ends its timer with `stop`', () => {
  const clock = openClock(database, machine, timers);
  expect(alarms).toHaveLength(1);
  clock.stop();
  expect(alarms).toHaveLength(0);
});

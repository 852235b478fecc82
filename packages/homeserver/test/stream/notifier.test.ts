import { openDatabase, type Database } from '@matrix-futures/sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createNotifier, type Notifier } from '../../src/stream/notifier.ts';
import { manualTime } from '../server/manual-clock.ts';

let database: Database;
let notifier: Notifier;
beforeEach(() => {
  database = openDatabase({ path: ':memory:', timers: manualTime() });
  notifier = createNotifier(database.turn, (room) => (room === '!r' ? ['@a:t', '@b:t'] : []));
});
afterEach(() => database.close());

const unit = (work: () => void) => database.turn.unit(work);
/** Has it been woken by now? */
const isWoken = (waiter: { woken: Promise<void> }) =>
  Promise.race([waiter.woken.then(() => true), Promise.resolve().then(() => Promise.resolve(false))]);

test('a waiter is woken after the commit, not before', async () => {
  const waiter = notifier.wait('@a:t');
  const committed = unit(() => notifier.wake(['@a:t']));
  expect(await isWoken(waiter)).toBe(false);
  await committed;
  expect(await isWoken(waiter)).toBe(true);
});

test('a change in a room wakes everybody who is in it, on all their devices, and nobody else', async () => {
  const [a1, a2, b, c] = ['@a:t', '@a:t', '@b:t', '@c:t'].map((user) => notifier.wait(user));
  await unit(() => notifier.wakeRoom('!r'));
  expect(await Promise.all([a1!, a2!, b!, c!].map(isWoken))).toEqual([true, true, true, false]);
});

test('a unit that is undone wakes nobody', async () => {
  const waiter = notifier.wait('@a:t');
  await unit(() => {
    notifier.wake(['@a:t']);
    notifier.wakeRoom('!r');
    throw new Error('undone');
  }).catch(() => {});
  expect(await isWoken(waiter)).toBe(false);
});

test('a change that commits between wait and the end of reading is not slept through', async () => {
  const waiter = notifier.wait('@a:t');
  await unit(() => notifier.wake(['@a:t']));
  expect(await isWoken(waiter)).toBe(true);
});

test('who has stopped waiting takes nobody along', async () => {
  const gone = notifier.wait('@a:t');
  const stays = notifier.wait('@a:t');
  gone[Symbol.dispose]();
  await unit(() => notifier.wake(['@a:t']));
  expect(await isWoken(gone)).toBe(false);
  expect(await isWoken(stays)).toBe(true);
});

test('a waiter that is let go after its user was woken leaves the next one alone', async () => {
  const first = notifier.wait('@a:t');
  await unit(() => notifier.wake(['@a:t']));
  const second = notifier.wait('@a:t');
  first[Symbol.dispose]();
  await unit(() => notifier.wake(['@a:t']));
  expect(await isWoken(second)).toBe(true);
});

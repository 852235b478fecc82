import { expect, test } from 'vitest';
import { StoreUnavailable, type FutureStore } from '../src/index.ts';
import { Sweeping } from '../src/sweeping.ts';
import { HandTimers } from './hand-timers.ts';

function setting(rows: (number | Error)[]) {
  const timers = new HandTimers();
  const errors: unknown[] = [];
  const limits: number[] = [];
  const store: Partial<FutureStore> = {
    sweep: async (limit) => {
      limits.push(limit);
      const next = rows.shift() ?? 0;
      if (next instanceof Error) throw next;
      return next;
    },
  };
  const sweeping = new Sweeping({
    store: store as FutureStore,
    timers,
    delivery: { certainOf: () => true, committed: () => {} },
    onError: (error) => errors.push(error),
  });
  return { sweeping, timers, errors, limits };
}

test('steps of at most 200 rows, a short breath apart while there is something to do, else a minute', async () => {
  const { sweeping, timers, limits } = setting([200, 3, 0]);
  sweeping.start();
  const delays: number[] = [];
  for (let step = 0; step < 4; step += 1) {
    delays.push(...timers.delays);
    timers.fire();
    await timers.turn();
  }
  expect(delays).toEqual([1_000, 20, 20, 60_000]);
  expect(limits).toEqual([200, 200, 200, 200]);
});

test('what has died is written down within a second, however often that is said', async () => {
  const { sweeping, timers } = setting([]);
  sweeping.start();
  timers.fire();
  await timers.turn();
  expect(timers.delays).toEqual([60_000]);
  sweeping.nudge();
  timers.time += 600;
  sweeping.nudge();
  expect(timers.delays).toEqual([400]);
});

test('a step that failed is reported, and the next one comes', async () => {
  const { sweeping, timers, errors } = setting([new StoreUnavailable('told to fail')]);
  sweeping.start();
  timers.fire();
  await timers.turn();
  expect(errors).toEqual([expect.any(StoreUnavailable)]);
  expect(timers.delays).toEqual([60_000]);
});

test('stopped, it sweeps nothing more', async () => {
  const { sweeping, timers } = setting([]);
  sweeping.start();
  sweeping.stop();
  sweeping.nudge();
  expect(timers.delays).toEqual([]);
});

import { describe, expect, test } from 'vitest';
import { Firing } from '../src/firing.ts';
import { StoreUnavailable, type FutureStore } from '../src/index.ts';
import type { Delivery } from '../src/delivery/delivery.ts';
import { HandTimers } from './hand-timers.ts';
import { future, group, world } from './rules/world.ts';

/** Firing over a store that has so many due futures at given instants. */
function setting(dues: number[], takes: () => boolean = () => true) {
  const timers = new HandTimers();
  const state = { dues: [...dues], calls: [] as number[], ready: true, cost: 0, errors: [] as unknown[] };
  let wake = () => {};
  let fails = 0;
  const store: Partial<FutureStore> = {
    unit: 'in-process',
    nextDue: () => (state.dues.length === 0 ? null : Math.min(...state.dues)),
    onHint: (hint) => {
      wake = hint;
    },
    changeDue: (limit, decide) => {
      state.calls.push(limit);
      timers.time += state.cost;
      if (fails > 0) {
        fails -= 1;
        return Promise.reject(new StoreUnavailable('told to fail'));
      }
      const due = state.dues.filter((at) => at <= timers.time).slice(0, limit);
      const answers = due.map((at) => {
        const found = group([future(1)]);
        const { next, answer } = decide(found, 1, world());
        if (next !== found) state.dues.splice(state.dues.indexOf(at), 1);
        return answer;
      });
      return Promise.resolve(answers);
    },
  };
  const delivery: Partial<Delivery> = {
    atOnce: true,
    ready: () => state.ready,
    round: () => ({
      decide: (found) => ({ next: takes() ? { ...found } : found, answer: null }),
      passOver: () => false,
    }),
    begin: () => {},
  };
  const firing = new Firing({
    store: store as FutureStore,
    delivery: delivery as Delivery,
    clock: timers,
    timers,
    lastSync: () => -Infinity,
    onError: (error) => state.errors.push(error),
  });
  return { firing, timers, state, hint: () => wake(), fail: (count: number) => (fails = count) };
}

describe('firing', () => {
  test('a deadline leads to the end of the turn first, so that requests that are waiting come before it', async () => {
    const { firing, timers, state } = setting([1_050]);
    firing.start();
    await timers.turn();
    expect(timers.delays).toEqual([50]);
    timers.time = 1_050;
    state.calls.length = 0;
    timers.fire();
    expect(state.calls).toEqual([]);
    expect(timers.soons).toBe(1);
    // A refresh that was waiting has moved the deadline meanwhile.
    state.dues[0] = 2_050;
    await timers.turn();
    expect(state.dues).toEqual([2_050]);
    expect(timers.delays).toEqual([1_000]);
  });

  test('a timer that runs early fires nothing, and is set again for the rest', async () => {
    const { firing, timers, state } = setting([1_050]);
    firing.start();
    await timers.turn();
    timers.time = 1_049.4;
    timers.fire();
    await timers.turn();
    expect(state.dues).toEqual([1_050]);
    expect(timers.delays[0]).toBeCloseTo(0.6);
  });

  test('after 4 ms of firing, requests have their turn', async () => {
    const { firing, timers, state } = setting(Array.from({ length: 1_000 }, () => 900));
    state.cost = 1;
    firing.start();
    await timers.turn();
    expect(state.calls).toEqual([16, 16, 16, 16]);
    expect(timers.soons).toBe(1);
    await timers.turn();
    expect(state.calls).toHaveLength(8);
  });

  test('a commit that failed is reported, and tried again after 250 ms, whatever hints come', async () => {
    const { firing, timers, state, fail, hint } = setting([900]);
    fail(1);
    firing.start();
    await timers.turn();
    expect(state.errors).toEqual([expect.any(StoreUnavailable)]);
    hint();
    expect(timers.delays).toEqual([250]);
    expect(timers.soons).toBe(0);
    timers.time += 250;
    timers.fire();
    await timers.turn();
    expect(state.dues).toEqual([]);
  });

  test('a deadline earlier than the one it waits for wakes it, a later one does not', async () => {
    const { firing, timers, state, hint } = setting([5_000]);
    firing.start();
    await timers.turn();
    state.dues.push(9_000);
    hint();
    expect(timers.delays).toEqual([4_000]);
    state.dues.push(2_000);
    hint();
    expect(timers.delays).toEqual([1_000]);
  });

  test('no timer is longer than a day', async () => {
    const { firing, timers } = setting([1_000 + 90_000_000_000]);
    firing.start();
    await timers.turn();
    expect(timers.delays).toEqual([86_400_000]);
  });

  test('while all that is due must wait, the next look takes in more, and then comes every 100 ms', async () => {
    const { firing, timers, state } = setting(
      Array.from({ length: 40 }, () => 900),
      () => false,
    );
    firing.start();
    await timers.turn();
    expect(state.calls).toEqual([16, 32, 64]);
    expect(timers.delays).toEqual([100]);
  });

  test('nothing is offered while as much is under way as may be', async () => {
    const { firing, timers, state } = setting([900]);
    state.ready = false;
    firing.start();
    await timers.turn();
    expect(state.calls).toEqual([]);
    state.ready = true;
    firing.wake();
    timers.fire();
    await timers.turn();
    expect(state.dues).toEqual([]);
  });

  test('stopped, it fires nothing more', async () => {
    const { firing, timers, state, hint } = setting([900]);
    firing.start();
    firing.stop();
    hint();
    await timers.turn();
    expect(state.calls).toEqual([]);
    expect(timers.delays).toEqual([]);
  });
});

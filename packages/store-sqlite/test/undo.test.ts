import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { FutureId, FutureStore } from '@matrix-futures/engine';
import { StoreUnavailable } from '@matrix-futures/engine';
import {
  alice,
  bob,
  capability,
  claimed,
  closed,
  deadlineOf,
  edit,
  listed,
  refresh,
  schedule,
  sent,
  stateKey,
} from './samples.ts';
import { SetClock, StoreFixture } from './store-fixture.ts';

const fixtures: StoreFixture[] = [];
afterEach(() => {
  for (const fixture of fixtures.splice(0)) fixture.remove();
});
function openStore() {
  const clock = new SetClock();
  const fixture = new StoreFixture({ clock });
  fixtures.push(fixture);
  return { clock, fixture, store: fixture.store, turn: fixture.database.turn };
}

const owners = [alice, bob];
const keys = ['x', 'y'];

/** Everything that memory takes part in answering. */
async function visible(store: FutureStore, clock: SetClock, ids: readonly FutureId[]) {
  const found = await Promise.all(ids.map((id) => store.find(id)));
  const usages = await Promise.all(owners.map((owner) => store.usage(owner)));
  const marks = await store.change({ by: 'id', group: 0 }, (_, { markOf }) => ({
    next: null,
    answer: keys.map((key) => markOf(stateKey(key))),
  }));
  const now = clock.instant;
  clock.instant += 1e9;
  const due = await store.changeDue(1_000, (group, id) => ({ next: group, answer: [group.id, id] }));
  clock.instant = now;
  return {
    futures: found.map((each) => each && { ...each.future, since: Math.ceil(each.future.since) }),
    usages: usages.map(({ onKey, ...rest }) => ({ ...rest, onKey: keys.map((key) => onKey(stateKey(key))) })),
    running: await Promise.all(owners.map((owner) => listed(store, owner, 'running'))),
    marks,
    due,
  };
}

/** Numbers of state keys are given out by memory: what would be wrong with the tables if it was. */
const stateKeyFaults = [
  { wrong: 'two keys of one number', is: 'SELECT count(id) - count(DISTINCT id) FROM state_keys' },
  { wrong: 'a number lost', is: 'SELECT coalesce(max(id), 0) > 2 FROM state_keys' },
  {
    wrong: 'a key without a future',
    is: 'SELECT count(*) FROM state_keys WHERE id NOT IN (SELECT state_key FROM futures WHERE state_key NOTNULL)',
  },
  {
    wrong: 'a future without its key',
    is: 'SELECT count(*) FROM futures WHERE state_key NOTNULL AND state_key NOT IN (SELECT id FROM state_keys)',
  },
];

type Operation = (store: FutureStore, ids: FutureId[]) => Promise<unknown>;

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc
    .record({
      owner: fc.constantFrom(...owners),
      name: fc.constantFrom('one', 'two'),
      key: fc.constantFrom(null, ...keys),
      timeout: fc.constantFrom(null, 500, 70_000),
      generation: fc.constantFrom('futures', 'delay-parameter'),
    })
    .map((asked): Operation => async (store, ids) => {
      const made = schedule(store, asked);
      ids.push((await made).id);
    }),
  fc
    .record({
      pick: fc.nat(),
      how: fc.constantFrom('send', 'close', 'claim', 'claim', 'release', 'delete', 'hurry'),
    })
    .map(({ pick, how }): Operation => (store, ids) => {
      const id = ids[pick % Math.max(1, ids.length)] ?? 0;
      return edit(store, id, (group, world) => {
        if (group.phase !== 'open' && group.phase !== 'claimed') return group;
        if (how === 'send') return sent(group, world);
        if (how === 'close') return closed(group, world);
        if (how === 'claim') return claimed(group, id, world.now + 40_000.5);
        if (how === 'release') return { ...group, phase: 'open', claim: null };
        if (how === 'delete') return null;
        return {
          ...group,
          futures: group.futures.map((each) => ({ ...each, deadline: Math.ceil(world.now) })),
        };
      });
    }),
  fc.nat().map((pick): Operation => async (store, ids) => {
    const found = await store.find(ids[pick % Math.max(1, ids.length)] ?? 0);
    if (found !== null) await refresh(store, found.future);
  }),
  fc.record({ key: fc.constantFrom(...keys), sender: fc.constantFrom(...owners) }).map(
    ({ key, sender }): Operation =>
      (store) =>
        store.stateArrived(stateKey(key), '$state', sender),
  ),
  fc.constant<Operation>((store) =>
    store.changeDue(2, (group, _, world) => ({ next: sent(group, world), answer: 0 })),
  ),
  fc.constant<Operation>((store) =>
    store.sweep(3, (group, world) => ({ next: group && closed(group, world), answer: undefined })),
  ),
);

test('after any mix of units kept, thrown and lost, memory is what a fresh start would read', async () => {
  const step = fc.record({
    operations: fc.array(operation, { minLength: 1, maxLength: 4 }),
    fate: fc.constantFrom('kept', 'kept', 'thrown', 'lost'),
    advance: fc.constantFrom(0, 0.5, 600, 60_000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20, size: 'max' }), async (steps) => {
      const { clock, fixture, store, turn } = openStore();
      const ids: FutureId[] = [];
      for (const { operations, fate, advance } of steps) {
        clock.instant += advance;
        if (fate === 'lost') fixture.failNextCommit();
        const running: Promise<unknown>[] = [];
        const unit = turn.unit(() => {
          for (const run of operations) running.push(run(store, ids));
          if (fate === 'thrown') throw new Error('thrown');
        });
        await Promise.allSettled([unit, ...running]);
        const fresh = await fixture.withFreshStore((other) => visible(other, clock, ids));
        expect(await visible(store, clock, ids)).toEqual(fresh);
        for (const { wrong, is } of stateKeyFaults) expect([wrong, fixture.ask(is)]).toEqual([wrong, 0]);
      }
      fixture.remove();
    }),
    { numRuns: 60 },
  );
}, 60_000);

describe('a unit around the store’s own', () => {
  test('takes new state, the event of a future and its outcome back together', async () => {
    const { store, turn } = openStore();
    const first = await schedule(store, { key: 'x' });
    const other = await schedule(store, { name: 'other', key: 'x' });
    const outer = turn.unit(() => {
      void edit(store, first.id, (group, world) => {
        void store.stateArrived(stateKey('x'), '$event', alice);
        return sent(group, world);
      });
      throw new Error('the homeserver failed afterwards');
    });
    await expect(outer).rejects.toThrow('the homeserver failed afterwards');
    expect((await store.find(first.id))?.future).toEqual(first);
    expect(await refresh(store, other)).toBe(other.deadline);
    expect(await listed(store, alice, 'running')).toEqual([first.id, other.id]);
  });

  test('that found a future alive after state which was then undone compares it again', async () => {
    const { store, turn } = openStore();
    const future = await schedule(store, { key: 'x', generation: 'delay-parameter' });
    const outer = turn.unit(() => {
      void store.stateArrived(stateKey('x'), '$own', alice);
      void store.refresh([capability(future)]);
      throw new Error('undone');
    });
    await expect(outer).rejects.toThrow('undone');
    await store.stateArrived(stateKey('x'), '$theirs', bob);
    expect(await refresh(store, future)).toBe(null);
  });

  test('that took a claim back, and was undone, leaves the lease running', async () => {
    const { clock, store, turn } = openStore();
    const { id } = await schedule(store);
    await edit(store, id, (group, world) => claimed(group, id, world.now + 500));
    const outer = turn.unit(() => {
      void edit(store, id, (group) => ({ ...group, phase: 'open', claim: null }));
      throw new Error('undone');
    });
    await expect(outer).rejects.toThrow('undone');
    clock.instant += 500;
    expect(await store.changeDue(5, (group, due) => ({ next: group, answer: due ?? group.id }))).toHaveLength(
      1,
    );
    expect((await store.claimed()).map(({ phase }) => phase)).toEqual(['claimed']);
  });

  test('that is lost says so in the words of the port, to all of its turn', async () => {
    const { fixture, store, clock } = openStore();
    const future = await schedule(store);
    clock.instant += 100;
    fixture.failNextCommit();
    const outcomes = await Promise.allSettled([
      refresh(store, future),
      store.find(future.id),
      schedule(store, { name: 'never' }),
    ]);
    for (const outcome of outcomes) {
      expect(outcome.status === 'rejected' && outcome.reason).toBeInstanceOf(StoreUnavailable);
    }
    expect(await deadlineOf(store, future.id)).toBe(future.deadline);
  });
});

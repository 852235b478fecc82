import { describe, expect, test } from 'vitest';
import type { Future } from '@matrix-futures/engine';
import {
  alice,
  bob,
  edit,
  ended,
  futureOf,
  groupById,
  groupByName,
  groupOf,
  groupWith,
  inPhase,
  inWorld,
  look,
  schedule,
  stateDraft,
  stateKey,
} from './samples.ts';
import { opener, type MakeStore } from './subject.ts';

export function changeConformance(makeStore: MakeStore): void {
  const open = opener(makeStore);

  describe('change', () => {
    test('hands null for a name, a future and an id that do not exist', async () => {
      const { store } = await open();
      expect(await groupByName(store, 'group')).toBe(null);
      expect(await groupById(store, 1)).toBe(null);
      expect(await store.change({ by: 'future', future: 1 }, look)).toBe(null);
    });

    test('stores the group that the decision says, and finds it by name, id and each of its futures', async () => {
      const { store } = await open();
      const made = await store.change({ by: 'name', owner: alice, name: 'group' }, (_, world) => {
        const next = groupOf(world, [futureOf(world), futureOf(world, { timeout: null })]);
        return { next, answer: next };
      });
      expect(await groupByName(store, 'group')).toEqual(made);
      expect(await groupById(store, made.id)).toEqual(made);
      for (const future of made.futures) {
        expect(await store.change({ by: 'future', future: future.id }, look)).toEqual(made);
        expect(await store.find(future.id)).toEqual({ future, group: made, listed: true });
      }
    });

    test('answers what the decision answered, whatever it is', async () => {
      const { store } = await open();
      const answer = { nested: [undefined, Symbol.iterator] };
      expect(await store.change({ by: 'id', group: 1 }, () => ({ next: null, answer }))).toBe(answer);
    });

    test.each(['staged', 'open', 'claimed', 'sent'] as const)(
      'finds a group that is %s by its name',
      async (phase) => {
        const { store, clock } = await open();
        const { id } = await schedule(store);
        await edit(store, id, (group) => inPhase(group, phase, clock.now()));
        expect((await groupByName(store, 'group'))?.phase).toBe(phase);
      },
    );

    test('finds a closed group by its id and its futures, but not by its name, which is free again', async () => {
      const { store, clock } = await open();
      const first = await schedule(store);
      await edit(store, first.id, (group) => ended(group, 'closed', clock.now()));
      expect(await groupByName(store, 'group')).toBe(null);
      const closed = await groupWith(store, first.id);
      expect(closed.phase).toBe('closed');
      expect(await groupById(store, closed.id)).toEqual(closed);

      const second = await schedule(store);
      expect((await groupByName(store, 'group'))?.futures).toEqual([second]);
      expect(await groupById(store, closed.id)).toEqual(closed);
    });

    test('takes the same name of two owners for two groups', async () => {
      const { store } = await open();
      const hers = await schedule(store, { owner: alice });
      const his = await schedule(store, { owner: bob });
      expect((await groupByName(store, 'group', alice))?.futures).toEqual([hers]);
      expect((await groupByName(store, 'group', bob))?.futures).toEqual([his]);
    });

    test('does not mix up owners and names that are one text when joined', async () => {
      const { store } = await open();
      const first = await schedule(store, { owner: '@a', name: 'b"c' });
      const second = await schedule(store, { owner: '@a"b', name: 'c' });
      expect((await groupByName(store, 'b"c', '@a'))?.futures).toEqual([first]);
      expect((await groupByName(store, 'c', '@a"b'))?.futures).toEqual([second]);
    });

    test('writes nothing when the decision returns the very group it was handed', async () => {
      const { store } = await open();
      const { id } = await schedule(store);
      const before = await groupWith(store, id);
      await edit(store, id, (group) => group);
      expect(await groupWith(store, id)).toEqual(before);
    });

    test('deletes the group when the decision says null, with everything of it', async () => {
      const { store } = await open();
      const future = await schedule(store, { draft: stateDraft('alice') });
      const { id } = await groupWith(store, future.id);
      await edit(store, future.id, () => null);
      expect(await groupByName(store, 'group')).toBe(null);
      expect(await groupById(store, id)).toBe(null);
      expect(await store.find(future.id)).toBe(null);
      expect(store.nextDue()).toBe(null);
      expect((await store.list(alice, 'running', null)).futures).toEqual([]);
      const usage = await store.usage(alice);
      expect([usage.pending, usage.contentBytes, usage.onKey(stateKey('alice'))]).toEqual([0, 0, 0]);
    });

    test('adds, changes and removes futures of a group as the decision says', async () => {
      const { store } = await open();
      const first = await schedule(store);
      const second = await schedule(store, { timeout: null });
      expect((await groupWith(store, first.id)).futures).toEqual([first, second]);
      let futures: readonly Future[] = [];
      await edit(store, first.id, (group, world) => {
        futures = [{ ...second, nonce: { high: 7, low: 0xffff_ffff } }, futureOf(world)];
        return { ...group, futures };
      });
      expect(await store.find(first.id)).toBe(null);
      expect((await groupWith(store, second.id)).futures).toEqual(futures);
    });

    test('serves many changes of one group at once, one after the other', async () => {
      const { store } = await open();
      const made = await Promise.all(Array.from({ length: 20 }, () => schedule(store)));
      const group = await groupByName(store, 'group');
      expect(group?.futures).toHaveLength(20);
      expect(new Set(group?.futures.map(({ id }) => id))).toEqual(new Set(made.map(({ id }) => id)));
    });

    test('rejects with what the decision throws, and nothing of it happened', async () => {
      const { store } = await open();
      const { id } = await schedule(store);
      const before = await groupWith(store, id);
      const error = new Error('not decided');
      const fail = () => {
        throw error;
      };
      await expect(store.change({ by: 'future', future: id }, fail)).rejects.toBe(error);
      expect(await groupWith(store, id)).toEqual(before);
    });
  });

  describe('the world of a decision', () => {
    test('has the time of the clock', async () => {
      const { store, clock } = await open();
      clock.advance(0.5);
      expect(await inWorld(store, ({ now }) => now)).toBe(clock.now());
    });

    test('gives out ids that count up, are below 2^48, and are never given again', async () => {
      const { store } = await open();
      const first = await schedule(store);
      const group = await groupWith(store, first.id);
      expect(first.id).toBeGreaterThanOrEqual(1);
      expect(first.id).toBeLessThan(2 ** 32);
      expect(group.id).toBeGreaterThanOrEqual(1);
      const second = await schedule(store);
      expect(second.id).toBeGreaterThan(first.id);
      await edit(store, first.id, () => null);
      const third = await schedule(store);
      expect(third.id).toBeGreaterThan(second.id);
      expect((await groupWith(store, third.id)).id).toBeGreaterThan(group.id);
    });

    test('has the usage of the owner of the group, as it was before', async () => {
      const { store } = await open();
      await schedule(store, { owner: bob });
      const { id } = await schedule(store, { draft: stateDraft('alice') });
      const seen = await store.change({ by: 'future', future: id }, (group, { usage }) => ({
        next: group,
        answer: [usage.pending, usage.onKey(stateKey('alice')), usage.nextDeadline !== null],
      }));
      expect(seen).toEqual([1, 1, true]);
      expect(await inWorld(store, ({ usage }) => usage.pending, bob)).toBe(1);
      expect(await inWorld(store, ({ usage }) => usage.pending, '@nobody:example.org')).toBe(0);
    });

    test('says whether the owner is active', async () => {
      const { store } = await open();
      const { id } = await schedule(store, { owner: bob });
      await store.deactivate(bob);
      const active = await store.change({ by: 'future', future: id }, (group, { ownerActive }) => ({
        next: group,
        answer: ownerActive,
      }));
      expect(active).toBe(false);
      expect(await inWorld(store, ({ ownerActive }) => ownerActive, bob)).toBe(false);
      expect(await inWorld(store, ({ ownerActive }) => ownerActive, alice)).toBe(true);
    });
  });
}

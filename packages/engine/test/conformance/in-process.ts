import { describe, expect, test } from 'vitest';
import type { Future } from '@matrix-futures/engine';
import { alice, bob, futureOf, groupOf, inWorld, schedule, stateDraft, stateKey } from './samples.ts';
import { opener, type MakeStore } from './subject.ts';

export function inProcessConformance(makeStore: MakeStore): void {
  const open = opener(makeStore);

  describe('a store in the same process', () => {
    test('has done the work of a change, a refresh and a state event before it returns the promise', async ({
      skip,
    }) => {
      const { store, clock } = await open();
      if (store.unit !== 'in-process') skip('remote');
      const seen: string[] = [];
      const made = schedule(store, { draft: stateDraft('alice') });
      let found: Future | undefined;
      const peek = store.change({ by: 'name', owner: alice, name: 'group' }, (group) => {
        seen.push('decided');
        found = group?.futures[0];
        return { next: group, answer: undefined };
      });
      expect(seen).toEqual(['decided']);
      clock.advance(500);
      if (found === undefined) throw new Error('it was not made yet');
      const refreshed = store.refresh([{ future: found.id, nonce: found.nonce, generation: null }]);
      const arrived = store.stateArrived(stateKey('alice'), '$new', bob);
      const again = store.change({ by: 'future', future: found.id }, (group, { markOf }) => {
        expect(group?.futures[0]?.deadline).toBe(Math.ceil(clock.now() + 1000));
        expect(markOf(stateKey('alice'))?.last.event).toBe('$new');
        seen.push('again');
        return { next: group, answer: undefined };
      });
      expect(seen).toEqual(['decided', 'again']);
      await Promise.all([made, peek, refreshed, arrived, again]);
    });

    test('takes in a state event that arrives within a decision, and the decision sees it at once', async ({
      skip,
    }) => {
      const { store } = await open();
      if (store.unit !== 'in-process') skip('remote');
      const other = await schedule(store, { name: 'other', draft: stateDraft('alice') });
      const inner: Promise<void>[] = [];
      const orders = await store.change({ by: 'name', owner: alice, name: 'group' }, (_, world) => {
        const before = world.stateOrder;
        inner.push(store.stateArrived(stateKey('alice'), '$sent', alice));
        const after = world.stateOrder;
        expect(world.markOf(stateKey('alice'))?.last).toEqual({
          event: '$sent',
          sender: alice,
          order: after,
        });
        return { next: groupOf(world, [futureOf(world)]), answer: [before, after] };
      });
      await Promise.all(inner);
      expect(orders[1]).toBeGreaterThan(orders[0] ?? NaN);
      expect(await inWorld(store, ({ markOf }) => markOf(stateKey('alice'))?.last.event)).toBe('$sent');
      expect(other.stateOrder).toBeLessThan(orders[1] ?? NaN);
    });

    test('forgets a state event that arrived within a decision that threw', async ({ skip }) => {
      const { store } = await open();
      if (store.unit !== 'in-process') skip('remote');
      const { id } = await schedule(store, { draft: stateDraft('alice') });
      const change = store.change({ by: 'future', future: id }, () => {
        void store.stateArrived(stateKey('alice'), '$undone', bob);
        throw new Error('undone');
      });
      await expect(change).rejects.toThrow('undone');
      expect(await inWorld(store, ({ markOf }) => markOf(stateKey('alice')))).toBe(null);
    });
  });
}

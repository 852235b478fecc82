import { describe, expect, test } from 'vitest';
import type { FutureStore, StateKey, StateMark } from '@matrix-futures/engine';
import {
  alice,
  bob,
  buryAll,
  carol,
  edit,
  ended,
  idsListed,
  schedule,
  stateDraft,
  stateKey,
  sweepAll,
  inWorld,
} from './samples.ts';
import { opener, type MakeStore } from './subject.ts';

function markOf(store: FutureStore, key: StateKey): Promise<StateMark | null> {
  return inWorld(store, (seen) => seen.markOf(key));
}

const key = stateKey('alice');

export function stateConformance(makeStore: MakeStore): void {
  const open = opener(makeStore);

  describe('stateArrived', () => {
    test('moves the mark of a key that a future stands on', async () => {
      const { store } = await open();
      await schedule(store, { draft: stateDraft('alice') });
      expect(await markOf(store, key)).toBe(null);
      await store.stateArrived(key, '$1', alice);
      const mark = await markOf(store, key);
      expect(mark).toMatchObject({ last: { event: '$1', sender: alice }, lastByAnother: null });
    });

    test("keeps the last event, and the last by anybody but the last one's sender", async () => {
      const { store } = await open();
      await schedule(store, { draft: stateDraft('alice') });
      const history: [event: string, sender: string, lastByAnother: string | null][] = [
        ['$1', alice, null],
        ['$2', alice, null],
        ['$3', bob, '$2'],
        ['$4', bob, '$2'],
        ['$5', alice, '$4'],
        ['$6', carol, '$5'],
        ['$7', carol, '$5'],
        ['$8', bob, '$7'],
      ];
      for (const [event, sender, lastByAnother] of history) {
        await store.stateArrived(key, event, sender);
        const mark = await markOf(store, key);
        expect(mark?.last).toMatchObject({ event, sender });
        expect(mark?.lastByAnother?.event ?? null).toBe(lastByAnother);
      }
    });

    test('numbers what arrives, upwards over all keys, and the world says how far it is', async () => {
      const { store } = await open();
      await schedule(store, { name: 'one', draft: stateDraft('alice') });
      await schedule(store, { name: 'two', draft: stateDraft('bob') });
      const before = await inWorld(store, ({ stateOrder }) => stateOrder);
      const orders: number[] = [before];
      for (const name of ['alice', 'bob', 'alice']) {
        await store.stateArrived(stateKey(name), `$${name}`, alice);
        const order = (await markOf(store, stateKey(name)))?.last.order ?? NaN;
        expect(order).toBeGreaterThan(orders.at(-1) ?? NaN);
        expect(await inWorld(store, ({ stateOrder }) => stateOrder)).toBeGreaterThanOrEqual(order);
        orders.push(order);
      }
      const future = await schedule(store, { name: 'three', draft: stateDraft('alice') });
      expect(future.stateOrder).toBeGreaterThanOrEqual(orders.at(-1) ?? NaN);
    });

    test('keeps no mark for a key that no future stands on', async () => {
      const { store } = await open();
      await schedule(store, { draft: stateDraft('alice') });
      await schedule(store, { name: 'message' });
      const others: StateKey[] = [
        { ...key, key: 'alic' },
        { ...key, type: `${key.type}a`, key: 'lice' },
        { ...key, room: '!other:example.org' },
        { ...key, key: '' },
      ];
      for (const other of others) {
        await store.stateArrived(other, '$other', bob);
        expect(await markOf(store, other)).toBe(null);
      }
      expect(await markOf(store, key)).toBe(null);
    });

    test('marks the key of a staged future, and the empty state key', async () => {
      const { store } = await open();
      await schedule(store, { status: 'staged', deadline: null, draft: stateDraft('') });
      await store.stateArrived(stateKey(''), '$1', bob);
      expect((await markOf(store, stateKey('')))?.last.event).toBe('$1');
    });

    test('does not touch the rows: what it invalidated stays scheduled until it is swept', async () => {
      const { store } = await open();
      const future = await schedule(store, { draft: stateDraft('alice') });
      await store.stateArrived(key, '$1', bob);
      expect((await store.find(future.id))?.future.status).toBe('scheduled');
      await sweepAll(store, buryAll);
      expect((await store.find(future.id))?.future.status).toBe('finished');
    });

    test('takes what it invalidated out of the list of running futures at once', async () => {
      const { store } = await open();
      const dead = await schedule(store, { draft: stateDraft('alice') });
      const alive = await schedule(store, { draft: stateDraft('bob') });
      expect(await idsListed(store, 'running')).toEqual([dead.id, alive.id]);
      await store.stateArrived(key, '$1', bob);
      expect(await idsListed(store, 'running')).toEqual([alive.id]);
    });
  });

  describe('ownerOn', () => {
    test('names somebody with a pending future on the key, and nobody when the last one has ended', async () => {
      const { store } = await open();
      expect(await store.ownerOn(key)).toBe(null);
      const his = await schedule(store, { owner: bob, draft: stateDraft('alice') });
      const hers = await schedule(store, {
        owner: carol,
        status: 'staged',
        deadline: null,
        draft: stateDraft('alice'),
      });
      await schedule(store, { owner: alice, draft: stateDraft('bob') });
      await schedule(store, { owner: alice });
      expect([bob, carol]).toContain(await store.ownerOn(key));
      await edit(store, his.id, (group, { now }) => ended(group, 'closed', now));
      expect(await store.ownerOn(key)).toBe(carol);
      await edit(store, hers.id, (group, { now }) => ended(group, 'closed', now));
      expect(await store.ownerOn(key)).toBe(null);
      expect(await store.ownerOn({ ...key, room: '!other:example.org' })).toBe(null);
    });
  });

  describe('deactivate', () => {
    test('makes the owner inactive, and nobody else', async () => {
      const { store } = await open();
      await store.deactivate(alice);
      expect(await inWorld(store, ({ ownerActive }) => ownerActive, alice)).toBe(false);
      expect(await inWorld(store, ({ ownerActive }) => ownerActive, bob)).toBe(true);
    });

    test("takes the owner's futures out of the list of running ones at once; the rows follow", async () => {
      const { store } = await open();
      const hers = await schedule(store, { owner: alice });
      const his = await schedule(store, { owner: bob });
      await store.deactivate(alice);
      expect(await idsListed(store, 'running', alice)).toEqual([]);
      expect(await idsListed(store, 'running', bob)).toEqual([his.id]);
      expect((await store.find(hers.id))?.future.status).toBe('scheduled');
    });

    test('twice is as once', async () => {
      const { store } = await open();
      const { id } = await schedule(store);
      await store.deactivate(alice);
      await store.deactivate(alice);
      await edit(store, id, (group, { now }) => ended(group, 'closed', now));
      expect(await inWorld(store, ({ ownerActive }) => ownerActive, alice)).toBe(false);
    });
  });
}

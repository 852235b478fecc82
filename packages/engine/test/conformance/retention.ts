import { describe, expect, test } from 'vitest';
import type { Decide, FutureId } from '@matrix-futures/engine';
import {
  alice,
  bob,
  buryAll,
  buryNothing,
  cancelledBy,
  claimed,
  edit,
  ended,
  finished,
  futureWith,
  groupById,
  groupByName,
  groupWith,
  idsListed,
  schedule,
  stateDraft,
  stateKey,
  sweepAll,
} from './samples.ts';
import { day, hour, opener, type MakeStore } from './subject.ts';

/** Buries as `buryAll` does, and notes the names of the groups it was handed; a remote store may ask twice. */
function burying(handed: Set<string | undefined>): Decide<void> {
  return (group, world) => {
    handed.add(group?.name);
    return buryAll(group, world);
  };
}

export function retentionConformance(makeStore: MakeStore): void {
  const open = opener(makeStore);

  describe('sweep of what died', () => {
    test('says 0 when there is nothing to do', async () => {
      const { store } = await open();
      expect(await store.sweep(10, buryAll)).toBe(0);
      await schedule(store, { draft: stateDraft('alice') });
      await store.stateArrived(stateKey('bob'), '$other', bob);
      await sweepAll(store, () => expect.fail('nothing has died'));
    });

    test('hands each group with a future that died by state to be buried, and no other', async () => {
      const { store } = await open();
      const first = await schedule(store, { name: 'first', draft: stateDraft('alice') });
      await schedule(store, { name: 'first', timeout: null });
      const second = await schedule(store, { name: 'second', owner: bob, draft: stateDraft('alice', bob) });
      const other = await schedule(store, { name: 'other', draft: stateDraft('bob') });
      const later = await schedule(store, {
        name: 'later',
        generation: 'delayed-events',
        draft: stateDraft('alice'),
      });
      await store.stateArrived(stateKey('alice'), '$new', bob);
      const handed = new Set<string | undefined>();
      await sweepAll(store, burying(handed));
      expect(handed).toEqual(new Set(['first', 'second']));
      expect((await groupWith(store, first.id)).phase).toBe('closed');
      expect((await groupWith(store, second.id)).phase).toBe('closed');
      expect((await groupWith(store, other.id)).phase).toBe('open');
      expect((await groupWith(store, later.id)).phase).toBe('open');
    });

    test('hands the groups of a deactivated owner to be buried', async () => {
      const { store } = await open();
      const hers = await Promise.all(['a', 'b', 'c'].map((name) => schedule(store, { name })));
      const his = await schedule(store, { owner: bob });
      await store.deactivate(alice);
      const active = new Set<boolean>();
      await sweepAll(store, (group, world) => {
        active.add(world.ownerActive);
        return buryAll(group, world);
      });
      expect(active).toEqual(new Set([false]));
      for (const { id } of hers) expect((await groupWith(store, id)).phase).toBe('closed');
      expect((await groupWith(store, his.id)).phase).toBe('open');
    });

    test('does at most its limit in one step, and comes to all of it', async () => {
      const { store } = await open();
      const ids: FutureId[] = [];
      for (let count = 0; count < 25; count += 1)
        ids.push((await schedule(store, { name: `group ${count}`, draft: stateDraft('alice') })).id);
      await store.stateArrived(stateKey('alice'), '$new', bob);
      const handed = new Set<string | undefined>();
      for (let before = 0; ; before = handed.size) {
        const rows = await store.sweep(4, burying(handed));
        expect(rows).toBeLessThanOrEqual(4);
        expect(handed.size - before).toBeLessThanOrEqual(4);
        if (rows === 0) break;
      }
      expect(handed.size).toBe(25);
      for (const id of ids) expect((await groupWith(store, id)).phase).toBe('closed');
    });

    test('comes to its end also when burying leaves a group, or its dead future, as it was', async () => {
      const { store } = await open();
      const untouched = await schedule(store, { name: 'untouched', draft: stateDraft('alice') });
      const doomed = await schedule(store, { name: 'doomed', draft: stateDraft('alice') });
      await edit(store, doomed.id, (group, { now }) => claimed(group, doomed.id, now + hour));
      await store.stateArrived(stateKey('alice'), '$new', bob);
      await sweepAll(store, (group) => ({
        next: group?.claim == null ? group : { ...group, claim: { ...group.claim, doomed: 'state' } },
        answer: undefined,
      }));
      expect((await groupWith(store, doomed.id)).claim?.doomed).toBe('state');
      expect((await futureWith(store, untouched.id)).status).toBe('scheduled');
    });

    test('begins again for a key when state arrives while it is under way', async () => {
      const { store } = await open();
      const ids: FutureId[] = [];
      for (const name of ['a', 'b', 'c'])
        ids.push(
          (await schedule(store, { name, generation: 'delay-parameter', draft: stateDraft('alice') })).id,
        );
      await store.stateArrived(stateKey('alice'), '$own', alice);
      await store.sweep(2, () => expect.fail('an own event kills nothing here'));
      await store.stateArrived(stateKey('alice'), '$theirs', bob);
      await sweepAll(store, buryAll, 1);
      for (const id of ids) expect((await futureWith(store, id)).status).toBe('finished');
    });
  });

  describe('sweep of what is old', () => {
    const retention = { listed: hour, listedPerOwner: 1_000, tombstones: day };

    test('takes outcomes out of the list when their time is up, not before, and still finds them', async () => {
      const { store, clock } = await open(retention);
      const { id } = await schedule(store);
      await edit(store, id, (group, { now }) => ended(group, 'sent', now));
      clock.advance(hour - 1);
      await sweepAll(store, buryNothing);
      expect(await idsListed(store, 'finished')).toEqual([id]);
      expect((await store.find(id))?.listed).toBe(true);
      clock.advance(2);
      await sweepAll(store, buryNothing);
      expect(await idsListed(store, 'finished')).toEqual([]);
      expect(await store.find(id)).toMatchObject({ future: { outcome: { kind: 'sent' } }, listed: false });
      expect((await groupByName(store, 'group'))?.phase).toBe('sent');
    });

    test("keeps no more than the last outcomes in each owner's list, and finds the others still", async () => {
      const { store, clock } = await open({ ...retention, listedPerOwner: 3 });
      const ids: FutureId[] = [];
      for (let count = 0; count < 6; count += 1) {
        clock.advance(1);
        const { id } = await schedule(store, { name: `group ${count}` });
        await edit(store, id, (group, { now }) => ended(group, 'closed', now));
        ids.unshift(id);
      }
      const { id: his } = await schedule(store, { owner: bob });
      await edit(store, his, (group, { now }) => ended(group, 'closed', now));
      await sweepAll(store, buryNothing);
      expect(await idsListed(store, 'finished')).toEqual(ids.slice(0, 3));
      expect(await idsListed(store, 'finished', bob)).toEqual([his]);
      const listedFor = await Promise.all(ids.map(async (id) => (await store.find(id))?.listed));
      expect(listedFor).toEqual([true, true, true, false, false, false]);
    });

    test.each(['sent', 'closed'] as const)(
      'removes a group that is %s when its time is up, and not before',
      async (phase) => {
        const { store, clock } = await open(retention);
        const first = await schedule(store);
        const second = await schedule(store);
        const { id } = await groupWith(store, first.id);
        await edit(store, first.id, (group, { now }) => ended(group, phase, now));
        clock.advance(day - 1);
        await sweepAll(store, buryNothing);
        expect((await groupById(store, id))?.phase).toBe(phase);
        expect((await groupByName(store, 'group'))?.phase).toBe(phase === 'sent' ? 'sent' : undefined);
        clock.advance(2);
        await sweepAll(store, buryNothing);
        expect(await groupById(store, id)).toBe(null);
        expect(await groupByName(store, 'group')).toBe(null);
        expect(await store.find(first.id)).toBe(null);
        expect(await store.find(second.id)).toBe(null);
        expect(await store.sweep(10, buryNothing)).toBe(0);
      },
    );

    test('removes many in steps of at most its limit', async () => {
      const { store, clock } = await open(retention);
      for (let count = 0; count < 30; count += 1) {
        const { id } = await schedule(store, { name: `group ${count}` });
        await edit(store, id, (group, { now }) => ended(group, 'closed', now));
      }
      clock.advance(2 * day);
      let rows = 0;
      for (;;) {
        const step = await store.sweep(7, buryNothing);
        expect(step).toBeLessThanOrEqual(7);
        if (step === 0) break;
        rows += step;
      }
      expect(rows).toBeGreaterThanOrEqual(30);
      for (let id = 1; id <= 30; id += 1) expect(await store.find(id)).toBe(null);
    });

    test('keeps what is running, however old, with what finished in its group', async () => {
      const { store, clock } = await open(retention);
      const action = await schedule(store, { timeout: null });
      const done = await schedule(store);
      await edit(store, done.id, (group, { now }) => finished(group, done.id, cancelledBy('token', now)));
      const winner = await schedule(store, { name: 'claimed' });
      await edit(store, winner.id, (group, { now }) => claimed(group, winner.id, now + hour));
      clock.advance(30 * day);
      await sweepAll(store, buryNothing);
      expect(await groupWith(store, action.id)).toMatchObject({ phase: 'open' });
      expect(await groupWith(store, winner.id)).toMatchObject({ phase: 'claimed' });
      expect(await idsListed(store, 'running')).toEqual([action.id, winner.id]);
    });

    test('counts from when the group ended, not from when it was made', async () => {
      const { store, clock } = await open(retention);
      const { id } = await schedule(store);
      clock.advance(30 * day);
      await edit(store, id, (group, { now }) => ended(group, 'sent', now));
      clock.advance(day - 1);
      await sweepAll(store, buryNothing);
      expect((await groupWith(store, id)).phase).toBe('sent');
    });

    test('forgets a transaction id when its time is up, and not before', async () => {
      const { store, clock } = await open(retention);
      const memory = { scope: 'scope', at: clock.now(), groupName: 'group', futures: [], sendNow: null };
      await store.change({ by: 'id', group: 1 }, () => ({ next: null, remember: memory, answer: 0 }));
      clock.advance(day - 1);
      await sweepAll(store, buryNothing);
      expect(await store.recall('scope')).toEqual(memory);
      clock.advance(2);
      await sweepAll(store, buryNothing);
      expect(await store.recall('scope')).toBe(null);
    });
  });
}

import { describe, expect, test } from 'vitest';
import type { FutureId } from '@matrix-futures/engine';
import {
  alice,
  bob,
  buryAll,
  buryNothing,
  capability,
  claimed,
  edit,
  ended,
  futureWith,
  groupById,
  groupWith,
  idsListed,
  listed,
  schedule,
  stateDraft,
  stateKey,
  sweepAll,
  inWorld,
} from './samples.ts';
import { day, hour, opener, reopenerOf, type MakeStore } from './subject.ts';

export function durabilityConformance(makeStore: MakeStore): void {
  const open = opener(makeStore);

  describe('what was answered outlives the process', () => {
    test('groups, futures, lists, usage and transaction ids', async ({ skip }) => {
      const subject = await open();
      const reopen = reopenerOf(subject, skip);
      const { store, clock } = subject;
      const running = await schedule(store, { draft: stateDraft('alice') });
      await schedule(store, { timeout: null });
      const winner = await schedule(store, { name: 'claimed' });
      await edit(store, winner.id, (group, { now }) => claimed(group, winner.id, now + day));
      const closed = await schedule(store, { name: 'closed' });
      await edit(store, closed.id, (group, { now }) => ended(group, 'closed', now));
      const memory = {
        scope: 's',
        at: clock.now(),
        groupName: 'group',
        futures: [{ id: 1, action: null }],
        sendNow: null,
      };
      await store.change({ by: 'id', group: 0 }, () => ({ next: null, remember: memory, answer: 0 }));
      const read = async (from: typeof store) => ({
        groups: await Promise.all([running, winner, closed].map(({ id }) => groupWith(from, id))),
        running: await listed(from, 'running'),
        finished: await listed(from, 'finished'),
        usage: await from
          .usage(alice)
          .then(({ pending, contentBytes, nextDeadline }) => [pending, contentBytes, nextDeadline]),
        onKey: (await from.usage(alice)).onKey(stateKey('alice')),
        memory: await from.recall('s'),
      });
      const before = await read(store);
      const again = await reopen();
      expect(await read(again)).toEqual(before);
      expect(again.nextDue()).toBeLessThanOrEqual(running.deadline ?? 0);
    });

    test('a deleted group stays deleted, and its ids are not given again', async ({ skip }) => {
      const subject = await open();
      const reopen = reopenerOf(subject, skip);
      const { id } = await schedule(subject.store);
      const group = await groupWith(subject.store, id);
      await edit(subject.store, id, () => null);
      const store = await reopen();
      expect(await groupById(store, group.id)).toBe(null);
      const next = await schedule(store);
      expect(next.id).toBeGreaterThan(id);
      expect((await groupWith(store, next.id)).id).toBeGreaterThan(group.id);
    });

    test('refreshes: the last one counts, and those of a future that a change moved later do not', async ({
      skip,
    }) => {
      const subject = await open();
      const reopen = reopenerOf(subject, skip);
      const { store, clock } = subject;
      const often = await schedule(store, { name: 'often', timeout: 1000 });
      const moved = await schedule(store, { name: 'moved', timeout: 1000 });
      const done = await schedule(store, { name: 'done', timeout: 1000 });
      for (let count = 0; count < 5; count += 1) {
        clock.advance(100.5);
        await store.refresh([often, moved, done].map((future) => capability(future)));
      }
      const deadline = Math.ceil(clock.now() + 1000);
      await edit(store, moved.id, (group) => ({
        ...group,
        futures: group.futures.map((each) => ({ ...each, deadline: 77 })),
      }));
      await edit(store, done.id, (group, { now }) => ended(group, 'sent', now));
      const again = await reopen();
      expect((await futureWith(again, often.id)).deadline).toBe(deadline);
      expect((await futureWith(again, moved.id)).deadline).toBe(77);
      expect((await futureWith(again, done.id)).status).toBe('finished');
      expect(await again.changeDue(10, (group, id) => ({ next: group, answer: id }))).toEqual([moved.id]);
      clock.advanceTo(deadline - 0.5);
      expect(await again.changeDue(10, (group, id) => ({ next: group, answer: id }))).toEqual([moved.id]);
      clock.advanceTo(deadline);
      expect(await again.changeDue(10, (group, id) => ({ next: group, answer: id }))).toEqual([
        moved.id,
        often.id,
      ]);
      await again.refresh([capability(often)]);
      const third = await reopen();
      expect((await futureWith(third, often.id)).deadline).toBe(deadline + 1000);
    });

    test('what came due meanwhile is offered in order of deadline', async ({ skip }) => {
      const subject = await open();
      const reopen = reopenerOf(subject, skip);
      const ids: FutureId[] = [];
      for (const timeout of [3000, 1000, 2000])
        ids.push((await schedule(subject.store, { name: `${timeout}`, timeout })).id);
      subject.clock.advance(30 * day);
      const store = await reopen();
      expect(store.nextDue()).toBeLessThanOrEqual(subject.clock.now());
      const fired = await store.changeDue(10, (group, id, { now }) => ({
        next: ended(group, 'sent', now),
        answer: id,
      }));
      expect(fired).toEqual([ids[1], ids[2], ids[0]]);
    });

    test('claims, with their leases', async ({ skip }) => {
      const subject = await open();
      const reopen = reopenerOf(subject, skip);
      const { id } = await schedule(subject.store);
      await edit(subject.store, id, (group, { now }) => claimed(group, id, now + 1000));
      const group = await groupWith(subject.store, id);
      subject.clock.advance(500);
      await subject.store.renew([{ group: group.id, epoch: group.epoch }], 1000);
      const store = await reopen();
      expect((await groupWith(store, id)).claim?.leaseEnd).toBe(subject.clock.now() + 1000);
      subject.clock.advance(1000);
      expect(await store.changeDue(10, (each, due) => ({ next: each, answer: [each.id, due] }))).toEqual([
        [group.id, null],
      ]);
    });

    test('new state: the marks, what died of them, and how far the numbers are', async ({ skip }) => {
      const subject = await open();
      const reopen = reopenerOf(subject, skip);
      const dead = await schedule(subject.store, { name: 'dead', draft: stateDraft('alice') });
      await subject.store.stateArrived(stateKey('alice'), '$1', alice);
      await subject.store.stateArrived(stateKey('alice'), '$2', bob);
      const alive = await schedule(subject.store, { name: 'alive', draft: stateDraft('alice') });
      const read = (from: typeof subject.store) =>
        inWorld(from, ({ markOf, stateOrder }) => [markOf(stateKey('alice')), stateOrder]);
      const before = await read(subject.store);
      const store = await reopen();
      expect(await read(store)).toEqual(before);
      expect(await store.refresh([capability(dead), capability(alive)])).toEqual([null, alive.deadline]);
      await sweepAll(store, buryAll);
      expect((await futureWith(store, dead.id)).status).toBe('finished');
      expect((await futureWith(store, alive.id)).status).toBe('scheduled');
    });

    test('state events that no future stood on are counted too, so that no later one seems older', async ({
      skip,
    }) => {
      const subject = await open();
      const reopen = reopenerOf(subject, skip);
      const early = await schedule(subject.store, { name: 'early', draft: stateDraft('alice') });
      for (let count = 0; count < 3; count += 1)
        await subject.store.stateArrived(stateKey('bob'), `$${count}`, bob);
      const late = await schedule(subject.store, { name: 'late', draft: stateDraft('alice') });
      const store = await reopen();
      await store.stateArrived(stateKey('alice'), '$new', bob);
      expect(await store.refresh([capability(early), capability(late)])).toEqual([null, null]);
    });

    test('deactivations, and what of them is still to be swept', async ({ skip }) => {
      const subject = await open();
      const reopen = reopenerOf(subject, skip);
      const ids: FutureId[] = [];
      for (const name of ['a', 'b', 'c']) ids.push((await schedule(subject.store, { name })).id);
      await subject.store.deactivate(alice);
      await subject.store.sweep(1, buryAll);
      const store = await reopen();
      expect(await inWorld(store, ({ ownerActive }) => ownerActive)).toBe(false);
      await sweepAll(store, buryAll);
      for (const id of ids) expect((await futureWith(store, id)).status).toBe('finished');
    });

    test('the age of what is kept for a time', async ({ skip }) => {
      const subject = await open({ listed: hour, tombstones: day });
      const reopen = reopenerOf(subject, skip);
      const { id } = await schedule(subject.store);
      await edit(subject.store, id, (group, { now }) => ended(group, 'sent', now));
      subject.clock.advance(2 * hour);
      let store = await reopen();
      await sweepAll(store, buryNothing);
      expect(await idsListed(store, 'finished')).toEqual([]);
      expect((await futureWith(store, id)).status).toBe('finished');
      subject.clock.advance(day);
      store = await reopen();
      await sweepAll(store, buryNothing);
      expect(await store.find(id)).toBe(null);
    });
  });
}

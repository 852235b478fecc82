import { describe, expect, test } from 'vitest';
import type { FutureId, FutureStore } from '@matrix-futures/engine';
import {
  alice,
  bob,
  cancelledBy,
  claimed,
  draftOf,
  edit,
  ended,
  finished,
  futureWith,
  groupWith,
  idsListed,
  listed,
  schedule,
  stateDraft,
  stateKey,
} from './samples.ts';
import { day, opener, type MakeStore } from './subject.ts';

async function cancel(store: FutureStore, id: FutureId): Promise<void> {
  await edit(store, id, (group, { now }) => finished(group, id, cancelledBy('token', now)));
}

export function listsConformance(makeStore: MakeStore): void {
  const open = opener(makeStore);

  describe('find', () => {
    test('is null for an id that was not given out', async () => {
      const { store } = await open();
      for (const id of [0, 1, 2 ** 32, 2 ** 48 - 1]) expect(await store.find(id)).toBe(null);
    });

    test('finds futures of every status, each with its group', async () => {
      const { store } = await open();
      const first = await schedule(store);
      const second = await schedule(store);
      await cancel(store, first.id);
      const group = await groupWith(store, second.id);
      expect(await store.find(first.id)).toEqual({ future: group.futures[0], group, listed: true });
      expect(await store.find(second.id)).toEqual({ future: second, group, listed: true });
    });
  });

  describe('the list of running futures', () => {
    test('has the scheduled ones of one owner by id, whatever their group, each with the name of it', async () => {
      const { store } = await open();
      const first = await schedule(store, { name: 'a' });
      await schedule(store, { owner: bob, name: 'a' });
      const second = await schedule(store, { name: 'b', timeout: null });
      const third = await schedule(store, { name: 'a', draft: stateDraft('alice'), timeout: 5 });
      expect(await listed(store, 'running')).toEqual([
        { future: first, groupName: 'a' },
        { future: second, groupName: 'b' },
        { future: third, groupName: 'a' },
      ]);
      expect(await listed(store, 'running', '@nobody:example.org')).toEqual([]);
    });

    test('has overdue and claimed futures, but no staged and no finished ones', async () => {
      const { store, clock } = await open();
      const overdue = await schedule(store, { name: 'overdue' });
      const winner = await schedule(store, { name: 'claimed' });
      const staged = await schedule(store, { name: 'staged', status: 'staged', deadline: null });
      await edit(store, staged.id, (group) => ({ ...group, phase: 'staged', sendNow: stateDraft('alice') }));
      const done = await schedule(store, { name: 'done' });
      await edit(store, winner.id, (group, { now }) => claimed(group, winner.id, now + day));
      await edit(store, done.id, (group, { now }) => ended(group, 'sent', now));
      clock.advance(5000);
      expect(await idsListed(store, 'running')).toEqual([overdue.id, winner.id]);
    });
  });

  describe('the list of finished futures', () => {
    test('has every outcome of one owner, the latest first, each with the name of its group', async () => {
      const { store, clock } = await open();
      const ids: FutureId[] = [];
      for (const name of ['a', 'b', 'c']) ids.push((await schedule(store, { name, timeout: 60_000 })).id);
      await schedule(store, { owner: bob });
      for (const id of [ids[1]!, ids[2]!, ids[0]!]) {
        clock.advance(10);
        await cancel(store, id);
      }
      const expected = await Promise.all([ids[0]!, ids[2]!, ids[1]!].map((id) => futureWith(store, id)));
      expect(await listed(store, 'finished')).toEqual([
        { future: expected[0], groupName: 'a' },
        { future: expected[1], groupName: 'c' },
        { future: expected[2], groupName: 'b' },
      ]);
      expect(await idsListed(store, 'finished', bob)).toEqual([]);
      expect(await idsListed(store, 'running')).toEqual([]);
    });
  });

  describe('what became of events', () => {
    test('is found among the outcomes of one owner, by the events alone', async () => {
      const { store } = await open();
      const ids: FutureId[] = [];
      for (const owner of [alice, alice, alice, bob])
        ids.push((await schedule(store, { owner, name: `group ${ids.length}` })).id);
      const [first, cancelled, third, ofBob] = [ids[0]!, ids[1]!, ids[2]!, ids[3]!];
      for (const id of [first, third, ofBob])
        await edit(store, id, (group, { now }) => ended(group, 'sent', now));
      await cancel(store, cancelled);
      await schedule(store);
      const asked = new Set([...ids.map((id) => `$event-of-${id}`), '$of-nobody']);
      const found = await store.sentAs(alice, asked);
      expect(found.toSorted((a, b) => a.id - b.id)).toEqual([
        await futureWith(store, first),
        await futureWith(store, third),
      ]);
      expect(await store.sentAs(alice, new Set([`$event-of-${third}`]))).toEqual([
        await futureWith(store, third),
      ]);
      expect(await store.sentAs(alice, new Set())).toEqual([]);
      expect(await store.sentAs('@nobody:example.org', asked)).toEqual([]);
    });
  });

  describe('pages', () => {
    const many = 230;

    test.each(['running', 'finished'] as const)(
      'of %s futures have each exactly once, in order',
      async (filter) => {
        const { store, clock } = await open();
        const made: FutureId[] = [];
        for (let count = 0; count < many; count += 1)
          made.push((await schedule(store, { name: `group ${count}`, timeout: day })).id);
        if (filter === 'finished') {
          for (const id of made) {
            clock.advance(1);
            await cancel(store, id);
          }
          made.reverse();
        }
        expect(await idsListed(store, filter)).toEqual(made);
      },
    );

    test('have each exactly once also when many finished at one instant', async () => {
      const { store } = await open();
      const made: FutureId[] = [];
      for (let group = 0; group < 4; group += 1)
        for (let member = 0; member < 60; member += 1)
          made.push((await schedule(store, { name: `group ${group}` })).id);
      for (let group = 0; group < 4; group += 1)
        await edit(store, made[group * 60]!, (found, { now }) => ended(found, 'closed', now));
      const ids = await idsListed(store, 'finished');
      expect(ids.toSorted((a, b) => a - b)).toEqual(made);
    });

    test('go on where the last one ended, whatever finished or was made meanwhile', async () => {
      const { store } = await open();
      const made: FutureId[] = [];
      for (let count = 0; count < many; count += 1)
        made.push((await schedule(store, { name: `group ${count}`, timeout: day })).id);
      const first = await store.list(alice, 'running', null);
      await edit(store, made[0]!, (group, { now }) => ended(group, 'closed', now));
      const seen = first.futures.map(({ future }) => future.id);
      for (let page = first.next; page !== null;) {
        const { futures, next } = await store.list(alice, 'running', page);
        seen.push(...futures.map(({ future }) => future.id));
        page = next;
      }
      expect(seen).toEqual(made);
    });

    test('end with one that has no next, also when there is nothing', async () => {
      const { store } = await open();
      expect(await store.list(alice, 'running', null)).toEqual({ futures: [], next: null });
      await schedule(store);
      expect((await store.list(alice, 'running', null)).next).toBe(null);
    });
  });

  describe('usage', () => {
    test('counts staged and scheduled futures, not finished ones, of one owner', async () => {
      const { store } = await open();
      await schedule(store, { owner: bob });
      await schedule(store, { name: 'staged', status: 'staged', deadline: null });
      await schedule(store, { name: 'action', timeout: null });
      const done = await schedule(store, { name: 'done' });
      expect((await store.usage(alice)).pending).toBe(3);
      await edit(store, done.id, (group, { now }) => ended(group, 'sent', now));
      expect((await store.usage(alice)).pending).toBe(2);
      expect((await store.usage(bob)).pending).toBe(1);
    });

    test('counts the bytes of their contents as JSON', async () => {
      const { store } = await open();
      const contents = [{}, { body: 'é€😀', nested: [{ a: 1.5 }] }, { quote: '"\\\n\ud800' }];
      for (const [at, content] of contents.entries())
        await schedule(store, { name: `${at}`, draft: draftOf({ content }) });
      const bytes = contents.reduce((sum, content) => sum + Buffer.byteLength(JSON.stringify(content)), 0);
      expect((await store.usage(alice)).contentBytes).toBe(bytes);
    });

    test('follows a content that a change replaced', async () => {
      const { store } = await open();
      const { id } = await schedule(store, { draft: draftOf({ content: { body: 'x'.repeat(500) } }) });
      await edit(store, id, (group) => ({
        ...group,
        futures: group.futures.map((future) => ({ ...future, draft: draftOf({ content: {} }) })),
      }));
      expect((await store.usage(alice)).contentBytes).toBe(2);
    });

    test('says how many stand on one state key', async () => {
      const { store } = await open();
      for (const name of ['a', 'b', 'c']) await schedule(store, { name, draft: stateDraft('alice') });
      await schedule(store, { owner: bob, draft: stateDraft('alice', bob) });
      await schedule(store, { name: 'd', draft: stateDraft('bob') });
      const done = await schedule(store, { name: 'e', draft: stateDraft('alice') });
      await edit(store, done.id, (group, { now }) => ended(group, 'closed', now));
      const usage = await store.usage(alice);
      expect(usage.onKey(stateKey('alice'))).toBe(3);
      expect(usage.onKey(stateKey('bob'))).toBe(1);
      expect(usage.onKey(stateKey(''))).toBe(0);
      expect(usage.onKey({ ...stateKey('alice'), room: '!other:example.org' })).toBe(0);
    });

    test('knows the deadline that comes next', async () => {
      const { store } = await open();
      expect((await store.usage(alice)).nextDeadline).toBe(null);
      await schedule(store, { name: 'action', timeout: null });
      expect((await store.usage(alice)).nextDeadline).toBe(null);
      const later = await schedule(store, { name: 'later', timeout: 20_000 });
      const sooner = await schedule(store, { name: 'sooner', timeout: 10_000 });
      await schedule(store, { owner: bob, timeout: 5 });
      expect((await store.usage(alice)).nextDeadline).toBe(sooner.deadline);
      await edit(store, sooner.id, (group, { now }) => ended(group, 'closed', now));
      expect((await store.usage(alice)).nextDeadline).toBe(later.deadline);
    });
  });

  describe('recall', () => {
    test('is null for what was never remembered', async () => {
      const { store } = await open();
      expect(await store.recall('scope')).toBe(null);
    });

    test('has what a change said is to be remembered, also one that left its group as it was', async () => {
      const { store, clock } = await open();
      const { id } = await schedule(store);
      const memory = {
        scope: 'scope',
        at: clock.now(),
        groupName: 'gröup "1"',
        futures: [
          { id, action: null },
          { id: id + 1, action: 'leave' },
        ],
        sendNow: '$event',
      };
      const bare = { ...memory, scope: 'bare', futures: [], sendNow: null };
      await store.change({ by: 'future', future: id }, (group) => ({
        next: group,
        remember: memory,
        answer: 0,
      }));
      await store.change({ by: 'future', future: id + 9 }, () => ({ next: null, remember: bare, answer: 0 }));
      expect(await store.recall('scope')).toEqual(memory);
      expect(await store.recall('bare')).toEqual(bare);
      expect(await store.recall('Scope')).toBe(null);
    });
  });
}

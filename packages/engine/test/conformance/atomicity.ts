import { describe, expect, test } from 'vitest';
import { StoreUnavailable, type Future, type FutureStore } from '@matrix-futures/engine';
import {
  alice,
  bob,
  buryAll,
  buryNothing,
  capability,
  claimed,
  edit,
  ended,
  groupOf,
  futureOf,
  groupByName,
  groupWith,
  idsListed,
  listed,
  schedule,
  stateDraft,
  stateKey,
  sweepAll,
  inWorld,
} from './samples.ts';
import { day, failerOf, opener, type MakeStore } from './subject.ts';

/** What the operations work on: an overdue future, and a claim. */
interface Prepared {
  readonly first: Future;
  readonly claim: { readonly group: number; readonly epoch: number };
}
type Run = (store: FutureStore, prepared: Prepared) => Promise<unknown>;

/** All that can be read of what these tests touch. */
async function everything(store: FutureStore) {
  const { onKey, ...usage } = await store.usage(alice);
  const running = await listed(store, 'running');
  return {
    usage: { ...usage, onKey: onKey(stateKey('alice')) },
    running,
    finished: await listed(store, 'finished'),
    groups: await Promise.all(running.map(({ future }) => groupWith(store, future.id))),
    memory: await store.recall('scope'),
    world: await inWorld(store, (seen) => ({
      mark: seen.markOf(stateKey('alice')),
      stateOrder: seen.stateOrder,
      active: seen.ownerActive,
    })),
  };
}

export function atomicityConformance(makeStore: MakeStore): void {
  const open = opener(makeStore);

  const memory = { scope: 'scope', at: 5, groupName: 'new', futures: [], sendNow: null };
  const operations: readonly [name: string, run: Run][] = [
    [
      'change that makes a group',
      (store) =>
        store.change({ by: 'name', owner: alice, name: 'new' }, (_, world) => ({
          next: groupOf(world, [futureOf(world, { timeout: 5, draft: stateDraft('alice') })], {
            name: 'new',
          }),
          remember: memory,
          answer: 0,
        })),
    ],
    [
      'change that ends a group',
      (store, { first }) => edit(store, first.id, (group, { now }) => ended(group, 'sent', now)),
    ],
    ['change that deletes a group', (store, { first }) => edit(store, first.id, () => null)],
    [
      'changeDue',
      (store) =>
        store.changeDue(10, (group, _, { now }) => ({
          next: ended(group, 'sent', now),
          remember: memory,
          answer: 0,
        })),
    ],
    ['refresh', (store, { first }) => store.refresh([capability(first)])],
    ['renew', (store, { claim }) => store.renew([claim], 90 * day)],
    ['stateArrived', (store) => store.stateArrived(stateKey('alice'), '$new', bob)],
    ['deactivate', (store) => store.deactivate(alice)],
  ];

  describe('a commit that fails', () => {
    /** Runs it once when the commit fails, and once when it does not; reads everything before, between and after. */
    async function failOnce(
      run: Run,
      skip: (note: string) => never,
      prepare: (store: FutureStore) => Promise<void> = async () => {},
    ) {
      const subject = await open();
      const { store, clock } = subject;
      const fail = failerOf(subject, skip);
      const first = await schedule(store, { timeout: 1000, draft: stateDraft('alice') });
      const winner = await schedule(store, { name: 'claimed' });
      await edit(store, winner.id, (group, { now }) => claimed(group, winner.id, now + day));
      clock.advance(2000);
      await prepare(store);
      const { id: group, epoch } = await groupWith(store, winner.id);
      const prepared = { first, claim: { group, epoch } };
      const before = await everything(store);
      fail();
      const [failed] = await Promise.allSettled([run(store, prepared)]);
      const between = await everything(store);
      const late = (store.nextDue() ?? Infinity) > (first.deadline ?? 0);
      await run(store, prepared);
      return { before, failed, between, late, after: await everything(store) };
    }

    const rejected = { status: 'rejected', reason: expect.any(StoreUnavailable) };

    test.for(operations)(
      'rejects %s with StoreUnavailable, and nothing of it happened',
      async ([, run], { skip }) => {
        const { before, failed, between, late, after } = await failOnce(run, skip);
        expect(failed).toEqual(rejected);
        expect(between).toEqual(before);
        expect(late).toBe(false);
        expect(after).not.toEqual(before);
      },
    );

    test('rejects a sweep that buries, and nothing of it happened', async ({ skip }) => {
      const { before, failed, between, after } = await failOnce(
        (store) => store.sweep(10, buryAll),
        skip,
        (store) => store.stateArrived(stateKey('alice'), '$new', bob),
      );
      expect(failed).toEqual(rejected);
      expect(between).toEqual(before);
      expect(after).not.toEqual(before);
    });

    test('leaves the name of a group free, and its futures to be made again', async ({ skip }) => {
      const subject = await open();
      const fail = failerOf(subject, skip);
      fail();
      await expect(schedule(subject.store)).rejects.toThrow(StoreUnavailable);
      expect(await groupByName(subject.store, 'group')).toBe(null);
      const { id } = await schedule(subject.store);
      expect(await idsListed(subject.store, 'running')).toEqual([id]);
    });

    test('of several operations at once: what was answered holds, what was rejected did not happen', async ({
      skip,
    }) => {
      const subject = await open();
      const { store } = subject;
      const fail = failerOf(subject, skip);
      fail();
      const names = Array.from({ length: 8 }, (_, at) => `group ${at}`);
      const results = await Promise.allSettled(names.map((name) => schedule(store, { name })));
      expect(results.some(({ status }) => status === 'rejected')).toBe(true);
      for (const [at, result] of results.entries()) {
        const group = await groupByName(store, names[at] ?? '');
        if (result.status === 'fulfilled') expect(group?.futures).toEqual([result.value]);
        else expect([group, result.reason]).toEqual([null, expect.any(StoreUnavailable)]);
      }
    });

    test('does not keep a sweep from removing what is old later', async ({ skip }) => {
      const subject = await open();
      const { store, clock } = subject;
      const fail = failerOf(subject, skip);
      const { id } = await schedule(store);
      await edit(store, id, (group, { now }) => ended(group, 'closed', now));
      clock.advance(30 * day);
      fail();
      await expect(store.sweep(10, buryNothing)).rejects.toThrow(StoreUnavailable);
      await sweepAll(store, buryNothing);
      expect(await store.find(id)).toBe(null);
    });
  });
}

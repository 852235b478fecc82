import { describe, expect, test } from 'vitest';
import type { Fence, Future, FutureStore, Generation } from '@matrix-futures/engine';
import {
  alice,
  bob,
  cancelledBy,
  capability,
  carol,
  claimOf,
  claimed,
  edit,
  ended,
  finished,
  futureWith,
  groupWith,
  listed,
  schedule,
  stateDraft,
  stateKey,
  withFuture,
} from './samples.ts';
import { day, opener, type MakeStore } from './subject.ts';

/** Refreshes one future; null: not refreshed, and then nothing of it has changed. */
async function refreshOne(store: FutureStore, future: Future, generation: Generation | null = null) {
  const before = await store.find(future.id);
  const [deadline] = await store.refresh([capability(future, generation)]);
  if (deadline === null) expect(await store.find(future.id)).toEqual(before);
  return deadline;
}

export function refreshConformance(makeStore: MakeStore): void {
  const open = opener(makeStore);

  describe('refresh', () => {
    test('sets the deadline to now and the timeout, rounded up, and notes when', async () => {
      const { store, clock } = await open();
      const future = await schedule(store, { timeout: 1000 });
      for (const step of [100, 0.25, 0.5, 300]) {
        clock.advance(step);
        const deadline = Math.ceil(clock.now() + 1000);
        expect(await refreshOne(store, future)).toBe(deadline);
        const { since, ...rest } = await futureWith(store, future.id);
        expect({ ...rest, since: future.since }).toEqual({ ...future, deadline });
        // Deadline minus timeout will do: it is less than a millisecond off.
        expect(since).toBeGreaterThanOrEqual(clock.now());
        expect(since).toBeLessThan(clock.now() + 1);
      }
    });

    test('is seen by find, by lists, by changes and by usage', async () => {
      const { store, clock } = await open();
      const future = await schedule(store, { timeout: 1000 });
      clock.advance(800);
      const [deadline] = await store.refresh([capability(future)]);
      const refreshed = await futureWith(store, future.id);
      expect(refreshed.deadline).toBe(deadline);
      expect((await groupWith(store, future.id)).futures).toEqual([refreshed]);
      expect(await listed(store, 'running')).toEqual([{ future: refreshed, groupName: 'group' }]);
      const seen = await store.change({ by: 'future', future: future.id }, (group, { usage }) => ({
        next: group,
        answer: [group?.futures[0]?.deadline, usage.nextDeadline],
      }));
      expect(seen).toEqual([deadline, deadline]);
      expect((await store.usage(alice)).nextDeadline).toBe(deadline);
    });

    test('stays when another future of the group is changed afterwards', async () => {
      const { store, clock } = await open();
      const future = await schedule(store);
      clock.advance(800);
      const [deadline] = await store.refresh([capability(future)]);
      const other = await schedule(store);
      await edit(store, other.id, (group, { now }) => finished(group, other.id, cancelledBy('token', now)));
      expect((await futureWith(store, future.id)).deadline).toBe(deadline);
    });

    test('gives way to a deadline that a later change sets', async () => {
      const { store, clock } = await open();
      const future = await schedule(store, { timeout: 1000 });
      clock.advance(500);
      await store.refresh([capability(future)]);
      const deadline = Math.ceil(clock.now()) + 10;
      await edit(store, future.id, (group) => withFuture(group, future.id, { deadline }));
      expect((await futureWith(store, future.id)).deadline).toBe(deadline);
      clock.advance(20);
      const due = await store.changeDue(5, (group, id) => ({ next: group, answer: id }));
      expect(due).toEqual([future.id]);
    });

    test('brings an overdue future back that was not sent yet', async () => {
      const { store, clock } = await open();
      const future = await schedule(store, { timeout: 1000 });
      clock.advance(30 * day);
      expect(await refreshOne(store, future)).toBe(Math.ceil(clock.now() + 1000));
      expect(await store.changeDue(5, (group) => ({ next: group, answer: 0 }))).toEqual([]);
    });

    test('of many at once answers each in its place', async () => {
      const { store, clock } = await open();
      const made = await Promise.all(
        Array.from({ length: 200 }, (_, at) => schedule(store, { name: `group ${at}`, timeout: 1000 + at })),
      );
      clock.advance(10);
      const asked = made.flatMap((future) => [
        capability(future),
        { ...capability(future), nonce: { high: future.nonce.low, low: future.nonce.high } },
      ]);
      const expected = made.flatMap((_, at) => [Math.ceil(clock.now() + 1000 + at), null]);
      expect(await store.refresh(asked)).toEqual(expected);
      expect(await store.refresh([])).toEqual([]);
    });

    test('of one future twice in a call answers both', async () => {
      const { store } = await open();
      const future = await schedule(store);
      const deadlines = await store.refresh([capability(future), capability(future)]);
      expect(deadlines).toEqual([future.deadline, future.deadline]);
    });

    test('is null for a future that does not exist, or does no longer', async () => {
      const { store } = await open();
      const future = await schedule(store);
      expect(await store.refresh([{ ...capability(future), future: future.id + 1000 }])).toEqual([null]);
      expect(await store.refresh([{ ...capability(future), future: 2 ** 48 - 1 }])).toEqual([null]);
      await edit(store, future.id, () => null);
      expect(await store.refresh([capability(future)])).toEqual([null]);
    });

    test('is null for a nonce that differs in either half, also by an old nonce', async () => {
      const { store } = await open();
      const future = await schedule(store);
      const { high, low } = future.nonce;
      expect(await refreshOne(store, { ...future, nonce: { high: high - 1, low } })).toBe(null);
      expect(await refreshOne(store, { ...future, nonce: { high, low: low ^ 1 } })).toBe(null);
      await edit(store, future.id, (group) => withFuture(group, future.id, { nonce: { high: 1, low: 2 } }));
      expect(await refreshOne(store, future)).toBe(null);
      expect(await refreshOne(store, { ...future, nonce: { high: 1, low: 2 } })).not.toBe(null);
    });

    test('with a generation is for futures of that generation only', async () => {
      const { store } = await open();
      const future = await schedule(store, { generation: 'delay-parameter' });
      expect(await refreshOne(store, future, 'futures')).toBe(null);
      expect(await refreshOne(store, future, 'delay-parameter')).not.toBe(null);
      expect(await refreshOne(store, future, null)).not.toBe(null);
    });

    test('is null for an action future', async () => {
      const { store } = await open();
      const action = await schedule(store, { timeout: null });
      expect(await refreshOne(store, action)).toBe(null);
    });

    test('is null for a finished future, and works on for the others of its group', async () => {
      const { store } = await open();
      const done = await schedule(store);
      const other = await schedule(store);
      await edit(store, done.id, (group, { now }) => finished(group, done.id, cancelledBy('token', now)));
      expect(await refreshOne(store, done)).toBe(null);
      expect(await refreshOne(store, other)).not.toBe(null);
    });

    test('is null when the group is sent, closed, claimed or staged', async () => {
      const { store, clock } = await open();
      for (const phase of ['sent', 'closed'] as const) {
        const future = await schedule(store, { name: phase });
        await edit(store, future.id, (group, { now }) => ended(group, phase, now));
        expect(await refreshOne(store, future)).toBe(null);
      }
      const winner = await schedule(store, { name: 'claimed' });
      const other = await schedule(store, { name: 'claimed' });
      await edit(store, winner.id, (group, { now }) => claimed(group, winner.id, now + day));
      expect(await refreshOne(store, winner)).toBe(null);
      expect(await refreshOne(store, other)).toBe(null);
      const staged = await schedule(store, { name: 'staged' });
      await edit(store, staged.id, (group) => ({
        ...withFuture(group, staged.id, { status: 'staged', deadline: null }),
        phase: 'staged',
        epoch: 1,
        claim: claimOf(null, clock.now() + day),
        sendNow: stateDraft('alice'),
      }));
      expect(await refreshOne(store, staged)).toBe(null);
    });

    test('works again when a claim was taken back', async () => {
      const { store } = await open();
      const future = await schedule(store);
      await edit(store, future.id, (group, { now }) => claimed(group, future.id, now + day));
      await edit(store, future.id, (group) => ({ ...group, phase: 'open', claim: null }));
      expect(await refreshOne(store, future)).not.toBe(null);
    });

    test('is null once the owner is deactivated', async () => {
      const { store } = await open();
      const future = await schedule(store, { owner: bob });
      const other = await schedule(store, { owner: alice });
      await store.deactivate(bob);
      expect(await refreshOne(store, future)).toBe(null);
      expect(await refreshOne(store, other)).not.toBe(null);
    });
  });

  describe('refresh after a new state event with the key of the future', () => {
    const arrivals = [
      { sender: alice, futures: null, 'delay-parameter': 'alive', 'delayed-events': 'alive' },
      { sender: bob, futures: null, 'delay-parameter': null, 'delayed-events': 'alive' },
    ] as const;
    for (const generation of ['futures', 'delay-parameter', 'delayed-events'] as const) {
      for (const arrival of arrivals) {
        const fate = arrival[generation] === null ? 'is null' : 'works on';
        const by = arrival.sender === alice ? 'its owner' : 'another user';
        test(`${fate} for a state future of ${generation}, when ${by} sent it`, async () => {
          const { store } = await open();
          const future = await schedule(store, { generation, draft: stateDraft('alice') });
          await store.stateArrived(stateKey('alice'), '$new', arrival.sender);
          const alive = (await refreshOne(store, future)) !== null;
          expect(alive).toBe(arrival[generation] === 'alive');
        });
      }
    }

    test("is null for the delay parameter also when the owner's own event came after the other user's", async () => {
      const { store } = await open();
      const future = await schedule(store, { generation: 'delay-parameter', draft: stateDraft('alice') });
      await store.stateArrived(stateKey('alice'), '$theirs', bob);
      await store.stateArrived(stateKey('alice'), '$own', alice);
      await store.stateArrived(stateKey('alice'), '$own2', alice);
      expect(await refreshOne(store, future)).toBe(null);
    });

    test('works on for messages, other keys, other types, other rooms, and futures made afterwards', async () => {
      const { store } = await open();
      const first = await schedule(store, { name: 'first', draft: stateDraft('alice') });
      const others = [
        await schedule(store, { name: 'message' }),
        await schedule(store, { name: 'key', draft: stateDraft('bob') }),
        await schedule(store, { name: 'type', draft: { ...stateDraft('alice'), type: 'm.room.topic' } }),
        await schedule(store, {
          name: 'room',
          draft: { ...stateDraft('alice'), room: '!other:example.org' },
        }),
      ];
      await store.stateArrived(stateKey('alice'), '$new', carol);
      others.push(await schedule(store, { name: 'afterwards', draft: stateDraft('alice') }));
      expect(await refreshOne(store, first)).toBe(null);
      for (const other of others) expect(await refreshOne(store, other)).not.toBe(null);
    });

    test('works on when it is the very event that the future was made after (its fence), and ends with the next', async () => {
      const { store } = await open();
      const fence: Fence = { kind: 'event', event: '$fence' };
      const future = await schedule(store, { fence, draft: stateDraft('alice') });
      await store.stateArrived(stateKey('alice'), '$fence', bob);
      expect(await refreshOne(store, future)).not.toBe(null);
      await store.stateArrived(stateKey('alice'), '$next', bob);
      expect(await refreshOne(store, future)).toBe(null);
    });

    test.each(['absent', 'unreadable', 'untold'] as const)('is null when the fence is %s', async (kind) => {
      const { store } = await open();
      const future = await schedule(store, { fence: { kind }, draft: stateDraft('alice') });
      await store.stateArrived(stateKey('alice'), '$new', bob);
      expect(await refreshOne(store, future)).toBe(null);
    });

    test('keeps a future alive whose stateOrder a later change moved on', async () => {
      const { store } = await open();
      const future = await schedule(store, { draft: stateDraft('alice') });
      await store.stateArrived(stateKey('alice'), '$new', bob);
      await edit(store, future.id, (group, { stateOrder }) => withFuture(group, future.id, { stateOrder }));
      expect(await refreshOne(store, future)).not.toBe(null);
    });
  });
}

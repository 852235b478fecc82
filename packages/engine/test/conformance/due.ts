import { describe, expect, test } from 'vitest';
import type { DecideDue, FutureId, FutureStore, Group } from '@matrix-futures/engine';
import {
  alice,
  bob,
  cancelledBy,
  capability,
  claimOf,
  claimed,
  edit,
  ended,
  finished,
  groupOf,
  futureOf,
  groupWith,
  schedule,
  stateDraft,
  stateKey,
  withFuture,
} from './samples.ts';
import { day, opener, type MakeStore } from './subject.ts';

/** What one due thing is: a future, or a group whose lease expired. */
type Offer = { readonly future: FutureId } | { readonly group: number };

function offerOf(group: Group, due: FutureId | null): Offer {
  return due === null ? { group: group.id } : { future: due };
}

/** Leaves everything as it is. */
const watch: DecideDue<Offer> = (group, due) => ({ next: group, answer: offerOf(group, due) });

/** Sends what is due, and takes expired claims back. */
const fire: DecideDue<Offer> = (group, due, { now }) => ({
  next: due === null ? { ...group, phase: 'open', claim: null } : ended(group, 'sent', now),
  answer: offerOf(group, due),
});

async function scheduleEach(store: FutureStore, timeouts: readonly number[]): Promise<FutureId[]> {
  const made = await Promise.all(
    timeouts.map((timeout, at) => schedule(store, { name: `group ${at}`, timeout })),
  );
  return made.map(({ id }) => id);
}

const futures = (ids: readonly FutureId[]): Offer[] => ids.map((future) => ({ future }));

export function dueConformance(makeStore: MakeStore): void {
  const open = opener(makeStore);

  describe('changeDue', () => {
    test('offers a future from its deadline on, and not a part of a millisecond before', async () => {
      const { store, clock } = await open();
      const { id, deadline } = await schedule(store, { timeout: 1000 });
      clock.advanceTo((deadline ?? 0) - 0.1);
      expect(await store.changeDue(10, fire)).toEqual([]);
      clock.advanceTo(deadline ?? 0);
      expect(await store.changeDue(10, fire)).toEqual([{ future: id }]);
      expect((await groupWith(store, id)).phase).toBe('sent');
      expect(await store.changeDue(10, fire)).toEqual([]);
    });

    test('hands the group as it is stored, and the time of the clock', async () => {
      const { store, clock } = await open();
      const { id } = await schedule(store, { timeout: null });
      const timed = await schedule(store, { timeout: 1000 });
      const stored = await groupWith(store, id);
      clock.advance(5000);
      const seen = await store.changeDue(10, (group, due, { now }) => ({
        next: group,
        answer: { group, due, now },
      }));
      expect(seen).toEqual([{ group: stored, due: timed.id, now: clock.now() }]);
    });

    test('goes by deadline and then by id, and stops at its limit', async () => {
      const { store, clock } = await open();
      const [a, b, c, d, e] = await scheduleEach(store, [300, 100, 300, 200, 100]);
      clock.advance(1000);
      expect(await store.changeDue(3, fire)).toEqual(futures([b!, e!, d!]));
      expect(await store.changeDue(3, fire)).toEqual(futures([a!, c!]));
      expect(await store.changeDue(3, fire)).toEqual([]);
    });

    test('keeps that order over weeks of overdue deadlines, in many small steps', async () => {
      const { store, clock } = await open();
      const timeouts = Array.from(
        { length: 300 },
        (_, at) => 1 + ((at * 7_919) % 97) * (day / 3) + ((at * 31) % 7),
      );
      const ids = await scheduleEach(store, timeouts);
      clock.advance(60 * day);
      const seen: Offer[] = [];
      for (;;) {
        const some = await store.changeDue(16, fire);
        expect(some.length).toBeLessThanOrEqual(16);
        if (some.length === 0 && (store.nextDue() ?? Infinity) > clock.now()) break;
        seen.push(...some);
      }
      const order = ids.map((id, at) => ({ id, timeout: timeouts[at] ?? 0 }));
      order.sort((one, other) => one.timeout - other.timeout || one.id - other.id);
      expect(seen).toEqual(futures(order.map(({ id }) => id)));
    });

    test('does nothing at a limit of 0', async () => {
      const { store, clock } = await open();
      const { id } = await schedule(store);
      clock.advance(5000);
      expect(await store.changeDue(0, fire)).toEqual([]);
      expect((await groupWith(store, id)).phase).toBe('open');
    });

    test('offers what the decision left unchanged once in a call, and again in the next', async () => {
      const { store, clock } = await open();
      const ids = await scheduleEach(store, [100, 200]);
      clock.advance(1000);
      expect(await store.changeDue(10, watch)).toEqual(futures(ids));
      expect(await store.changeDue(10, watch)).toEqual(futures(ids));
      expect(await store.changeDue(1, watch)).toEqual(futures(ids.slice(0, 1)));
    });

    test('does not let what was left unchanged stand in the way of what comes after it', async () => {
      const { store, clock } = await open();
      const [stuck, other] = await scheduleEach(store, [100, 200]);
      clock.advance(1000);
      const leaveFirst: DecideDue<Offer> = (group, due, world) =>
        due === stuck ? watch(group, due, world) : fire(group, due, world);
      expect(await store.changeDue(10, leaveFirst)).toEqual(futures([stuck!, other!]));
      expect(await store.changeDue(10, leaveFirst)).toEqual(futures([stuck!]));
    });

    test('offers each due future of a group, as the decisions before it left the group', async () => {
      const { store, clock } = await open();
      const first = await schedule(store, { timeout: 100 });
      const second = await schedule(store, { timeout: 200 });
      clock.advance(1000);
      const fail: DecideDue<string[]> = (group, due, { now }) => ({
        next: finished(group, due ?? 0, cancelledBy('token', now)),
        answer: [String(due), ...group.futures.map(({ status }) => status)],
      });
      expect(await store.changeDue(10, fail)).toEqual([
        [String(first.id), 'scheduled', 'scheduled'],
        [String(second.id), 'finished', 'scheduled'],
      ]);
    });

    test('offers nothing more of a group that a decision ended, claimed or deleted', async () => {
      const { store, clock } = await open();
      for (const name of ['ended', 'claimed', 'deleted']) {
        await schedule(store, { name, timeout: 100 });
        await schedule(store, { name, timeout: 200 });
      }
      clock.advance(1000);
      const names = await store.changeDue(10, (group, due, { now }) => ({
        next:
          group.name === 'ended'
            ? ended(group, 'closed', now)
            : group.name === 'claimed'
              ? claimed(group, due ?? 0, now + 1000)
              : null,
        answer: group.name,
      }));
      expect(names).toEqual(['ended', 'claimed', 'deleted']);
    });

    test('offers action futures, staged, finished and claimed ones never', async () => {
      const { store, clock } = await open();
      await schedule(store, { name: 'action', timeout: null });
      const staged = await schedule(store, { name: 'staged' });
      await edit(store, staged.id, (group, { now }) => ({
        ...withFuture(group, staged.id, { status: 'staged', deadline: null }),
        phase: 'staged',
        epoch: 1,
        claim: claimOf(null, now + 30 * day),
        sendNow: stateDraft('alice'),
      }));
      const cancelled = await schedule(store, { name: 'finished' });
      await edit(store, cancelled.id, (group, { now }) =>
        finished(group, cancelled.id, cancelledBy('token', now)),
      );
      const winner = await schedule(store, { name: 'claimed' });
      await schedule(store, { name: 'claimed' });
      await edit(store, winner.id, (group, { now }) => claimed(group, winner.id, now + 30 * day));
      const over = await schedule(store, { name: 'over' });
      await edit(store, over.id, (group, { now }) => ended(group, 'sent', now));
      clock.advance(day);
      expect(await store.changeDue(10, watch)).toEqual([]);
    });

    test('offers a future at the deadline it has now: refreshed, moved by a change, back from a claim', async () => {
      const { store, clock } = await open();
      const refreshed = await schedule(store, { name: 'refreshed', timeout: 1000 });
      const earlier = await schedule(store, { name: 'earlier', timeout: 10_000 });
      const back = await schedule(store, { name: 'back', timeout: 1000 });
      await edit(store, back.id, (group, { now }) => claimed(group, back.id, now + day));
      clock.advance(600);
      await store.refresh([capability(refreshed)]);
      await edit(store, earlier.id, (group) => withFuture(group, earlier.id, { deadline: back.deadline }));
      clock.advance(600);
      expect(await store.changeDue(10, fire)).toEqual(futures([earlier.id]));
      await edit(store, back.id, (group) => ({ ...group, phase: 'open', claim: null }));
      expect(await store.changeDue(10, fire)).toEqual(futures([back.id]));
      clock.advance(401);
      expect(await store.changeDue(10, fire)).toEqual(futures([refreshed.id]));
    });

    test('offers a due future that is dead by state or by deactivation: it is still scheduled', async () => {
      const { store, clock } = await open();
      const byState = await schedule(store, { name: 'state', draft: stateDraft('alice') });
      const gone = await schedule(store, { owner: bob });
      await store.stateArrived(stateKey('alice'), '$new', bob);
      await store.deactivate(bob);
      clock.advance(1500);
      expect(await store.changeDue(10, watch)).toEqual(futures([byState.id, gone.id]));
    });

    test('offers a claimed and a staged group when their lease has expired, with no future', async () => {
      const { store, clock } = await open();
      const { id } = await schedule(store, { name: 'claimed', timeout: 100 });
      await edit(store, id, (group, { now }) => claimed(group, id, now + 2000.5));
      const staged = await store.change({ by: 'name', owner: alice, name: 'staged' }, (_, world) => {
        const future = futureOf(world, { status: 'staged', deadline: null });
        const next = groupOf(world, [future], {
          name: 'staged',
          phase: 'staged',
          epoch: 1,
          claim: claimOf(null, world.now + 3000),
          sendNow: stateDraft('alice'),
        });
        return { next, answer: next };
      });
      clock.advance(2000);
      expect(await store.changeDue(10, watch)).toEqual([]);
      clock.advance(0.5);
      const group = await groupWith(store, id);
      expect(await store.changeDue(10, watch)).toEqual([{ group: group.id }]);
      clock.advance(1000);
      expect(await store.changeDue(10, watch)).toEqual([{ group: group.id }, { group: staged.id }]);
    });

    test('puts leases and deadlines into one order', async () => {
      const { store, clock } = await open();
      const { id } = await schedule(store, { name: 'claimed', timeout: 100 });
      await edit(store, id, (group, { now }) => claimed(group, id, now + 200));
      const { id: before } = await schedule(store, { name: 'before', timeout: 150 });
      const { id: after } = await schedule(store, { name: 'after', timeout: 250 });
      clock.advance(1000);
      const group = await groupWith(store, id);
      expect(await store.changeDue(10, watch)).toEqual([
        { future: before },
        { group: group.id },
        { future: after },
      ]);
    });

    test('remembers what a decision says is to be remembered', async () => {
      const { store, clock } = await open();
      await schedule(store);
      clock.advance(1001);
      const memory = { scope: 'due', at: clock.now(), groupName: 'group', futures: [], sendNow: '$event' };
      await store.changeDue(10, (group) => ({ next: group, remember: memory, answer: undefined }));
      expect(await store.recall('due')).toEqual(memory);
    });

    test('is one operation: when a decision throws, those before it did not happen', async () => {
      const { store, clock } = await open();
      const ids = await scheduleEach(store, [100, 200]);
      clock.advance(1000);
      const failSecond: DecideDue<Offer> = (group, due, world) => {
        if (due === ids[1]) throw new Error('second');
        return fire(group, due, world);
      };
      await expect(store.changeDue(10, failSecond)).rejects.toThrow('second');
      expect(await store.changeDue(10, fire)).toEqual(futures(ids));
    });
  });

  describe('nextDue', () => {
    test('is null while nothing is due some day', async () => {
      const { store } = await open();
      expect(store.nextDue()).toBe(null);
      const action = await schedule(store, { name: 'action', timeout: null });
      expect(store.nextDue()).toBe(null);
      const timed = await schedule(store, { name: 'timed' });
      expect(store.nextDue()).not.toBe(null);
      await edit(store, timed.id, (group, { now }) => ended(group, 'closed', now));
      await edit(store, action.id, () => null);
      expect(store.nextDue()).toBe(null);
    });

    test('is never later than the first deadline or lease end', async () => {
      const { store } = await open();
      const second = await schedule(store, { name: 'second', timeout: 20_000 });
      expect(store.nextDue()).toBeLessThanOrEqual(second.deadline ?? 0);
      const first = await schedule(store, { name: 'first', timeout: 10_000 });
      expect(store.nextDue()).toBeLessThanOrEqual(first.deadline ?? 0);
      await edit(store, second.id, (group, { now }) => claimed(group, second.id, now + 500));
      expect(store.nextDue()).toBeLessThanOrEqual((first.deadline ?? 0) - 9_500);
    });

    test('leads to everything that is due, waking in vain only a few times', async () => {
      const { store, clock } = await open();
      const timeouts = [5, 700, 700, 90_000, 20_000_000, 9_000_000_000];
      const ids = await scheduleEach(store, timeouts);
      const seen: Offer[] = [];
      let vain = 0;
      for (let next = store.nextDue(); next !== null; next = store.nextDue()) {
        clock.advanceTo(next);
        const some = await store.changeDue(10, fire);
        seen.push(...some);
        if (some.length === 0) vain += 1;
      }
      expect(seen).toEqual(futures(ids));
      expect(vain).toBeLessThanOrEqual(3 * timeouts.length);
    });
  });

  describe('onHint', () => {
    test('wakes when something is due earlier than nextDue said', async () => {
      const { store } = await open();
      const hints: (number | null)[] = [];
      store.onHint(() => hints.push(store.nextDue()));
      const first = await schedule(store, { name: 'first', timeout: 10_000 });
      expect(hints).toHaveLength(1);
      await schedule(store, { name: 'later', timeout: 20_000 });
      expect(hints).toHaveLength(1);
      const second = await schedule(store, { name: 'second', timeout: 5_000 });
      expect(hints).toHaveLength(2);
      expect(hints[0]).toBeLessThanOrEqual(first.deadline ?? 0);
      expect(hints[1]).toBeLessThanOrEqual(second.deadline ?? 0);
    });

    test('wakes for a lease that ends first, and for a deadline that a change moved forward', async () => {
      const { store } = await open();
      const first = await schedule(store, { name: 'first', timeout: 10_000 });
      const second = await schedule(store, { name: 'second', timeout: 20_000 });
      let hints = 0;
      store.onHint(() => (hints += 1));
      await edit(store, second.id, (group, { now }) => claimed(group, second.id, now + 5_000));
      expect(hints).toBe(1);
      await edit(store, first.id, (group) =>
        withFuture(group, first.id, { deadline: (first.deadline ?? 0) - 9_000 }),
      );
      expect(hints).toBe(2);
    });
  });
}

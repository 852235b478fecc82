import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Draft, Fence, Future, Group, JsonValue, Outcome } from '@matrix-futures/engine';
import {
  alice,
  bob,
  claimOf,
  claimed,
  draftOf,
  edit,
  ended,
  finished,
  futureOf,
  futureWith,
  groupById,
  groupByName,
  groupOf,
  groupWith,
  look,
  schedule,
  stateDraft,
  stateKey,
  world,
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
        expect(await store.find(future.id)).toEqual({ future, group: made });
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
      expect(await world(store, ({ now }) => now)).toBe(clock.now());
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
      expect(await world(store, ({ usage }) => usage.pending, bob)).toBe(1);
      expect(await world(store, ({ usage }) => usage.pending, '@nobody:example.org')).toBe(0);
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
      expect(await world(store, ({ ownerActive }) => ownerActive, bob)).toBe(false);
      expect(await world(store, ({ ownerActive }) => ownerActive, alice)).toBe(true);
    });
  });

  describe('what is stored', () => {
    test.each(['staged', 'open', 'claimed', 'sent', 'closed'] as const)(
      'keeps every field of a group that is %s',
      async (phase) => {
        const { store, clock } = await open();
        const { id } = await schedule(store, { timeout: null });
        const second = await schedule(store);
        let expected: Group | null = null;
        await edit(
          store,
          id,
          (group) => (expected = inPhase(finishSecond(group, second), phase, clock.now())),
        );
        expect(await groupWith(store, id)).toEqual(expected);
      },
    );

    test.each(fences)('keeps the fence %j', async (fence) => {
      const { store } = await open();
      const { id } = await schedule(store, { draft: stateDraft('alice'), fence });
      expect((await futureWith(store, id)).fence).toEqual(fence);
    });

    test.each(outcomes)('keeps the outcome %j', async (outcome) => {
      const { store } = await open();
      const { id } = await schedule(store);
      await edit(store, id, (group) => finished(group, id, outcome));
      expect((await futureWith(store, id)).outcome).toEqual(outcome);
    });

    test('keeps the action a future was named by', async () => {
      const { store } = await open();
      for (const action of [null, '', 'hang "up"', '__proto__']) {
        const { id } = await schedule(store, { timeout: action === null ? 5 : null, action });
        expect((await futureWith(store, id)).action).toBe(action);
      }
    });

    test('keeps the extras of a draft, those that are there and no others', async () => {
      const { store } = await open();
      for (const extras of [
        {},
        { ts: 0 },
        { stickyDurationMs: 5 },
        { ts: 17, stickyDurationMs: 3_600_000 },
      ]) {
        const { id } = await schedule(store, { draft: draftOf({ extras }) });
        expect((await futureWith(store, id)).draft.extras).toStrictEqual(extras);
      }
    });

    test('keeps timeouts of 100 years and their deadlines to the millisecond', async () => {
      const { store, clock } = await open();
      const timeout = 3_155_760_000_000;
      const future = await schedule(store, { timeout });
      expect(future.deadline).toBe(Math.ceil(clock.now() + timeout));
      expect(await futureWith(store, future.id)).toEqual(future);
      expect(store.nextDue()).toBeLessThanOrEqual(Math.ceil(clock.now() + timeout));
    });

    test('keeps a content to the letter: its order, its numbers, and keys with a meaning in JavaScript', async () => {
      const { store } = await open();
      const text =
        '{"b":[{"z":1,"a":null}],"10":1.5e300,"2":-0.1,"__proto__":{"x":1},"":"\\u0000\\"\\\\","é":"\\ud800"}';
      const content = JSON.parse(text);
      const { id } = await schedule(store, { draft: draftOf({ content }) });
      expect(JSON.stringify((await futureWith(store, id)).draft.content)).toBe(JSON.stringify(content));
    });

    test('keeps any draft', async () => {
      const { store } = await open();
      await fc.assert(
        fc.asyncProperty(drafts, async (draft) => {
          const { id } = await schedule(store, { draft });
          const kept = (await futureWith(store, id)).draft;
          expect(kept).toEqual(draft);
          expect(JSON.stringify(kept.content)).toBe(JSON.stringify(draft.content));
          await edit(store, id, () => null);
        }),
        { numRuns: 50 },
      );
    });
  });

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
      expect(await world(store, ({ markOf }) => markOf(stateKey('alice'))?.last.event)).toBe('$sent');
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
      expect(await world(store, ({ markOf }) => markOf(stateKey('alice')))).toBe(null);
    });
  });
}

function inPhase(group: Group, phase: Group['phase'], now: number): Group {
  const winner = group.futures[0]?.id ?? null;
  switch (phase) {
    case 'open':
      return group;
    case 'staged':
      return {
        ...group,
        phase,
        epoch: 1,
        claim: claimOf(null, now + 1000.5),
        sendNow: stateDraft('alice'),
        futures: group.futures.map((future) => ({
          ...future,
          status: 'staged',
          deadline: null,
          outcome: null,
        })),
      };
    case 'claimed':
      return {
        ...claimed(group, winner ?? 0, now + 1000.5),
        epoch: 4_000_000_000,
        claim: claimOf(winner, now + 1000.5, {
          cause: 'token',
          node: 'nöde "2"',
          taken: true,
          doomed: 'owner',
        }),
      };
    case 'sent':
    case 'closed':
      return ended(group, phase, now);
  }
}

function finishSecond(group: Group, second: Future): Group {
  return finished(group, second.id, { kind: 'cancelled', at: second.since, reason: 'token' });
}

const fences: readonly Fence[] = [
  { kind: 'event', event: '$event' },
  { kind: 'absent' },
  { kind: 'unreadable' },
  { kind: 'untold' },
];

const outcomes: readonly Outcome[] = [
  { kind: 'sent', at: 1_765_000_000_000.25, event: '$event' },
  { kind: 'failed', at: 5, error: { status: 403, errcode: 'M_FORBIDDEN', error: 'No "power"' } },
  {
    kind: 'failed',
    at: 5,
    error: {
      status: 429,
      errcode: 'M_LIMIT_EXCEEDED',
      error: 'Slow',
      fields: { retry_after_ms: 5, soft: true, by: 'us' },
    },
  },
  ...(['token', 'owner', 'state', 'group', 'deactivated'] as const).map((reason): Outcome => ({
    kind: 'cancelled',
    at: 7.75,
    reason,
  })),
];

const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;

const drafts: fc.Arbitrary<Draft> = fc.record({
  room: fc.string({ unit: 'grapheme' }),
  sender: fc.string(),
  type: fc.string(),
  stateKey: fc.option(fc.string({ unit: 'grapheme' })),
  content: fc.dictionary(fc.string(), json, { noNullPrototype: true }),
  extras: fc.record({ ts: fc.nat() }, { requiredKeys: [] }),
});

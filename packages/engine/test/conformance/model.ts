import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  StoreUnavailable,
  type DecideDue,
  type FutureId,
  type FutureStore,
  type Generation,
  type Group,
  type Instant,
  type Ms,
  type UserId,
} from '@matrix-futures/engine';
import { Reference, comparable, keys, owners, retention, whenDue, type Visible } from './reference.ts';
import {
  alice,
  bob,
  buryAll,
  cancelledBy,
  capability,
  carol,
  claimed,
  draftOf,
  ended,
  finished,
  futureOf,
  groupOf,
  idsListed,
  listed,
  schedule,
  stateDraft,
  stateKey,
  sweepAll,
  withFuture,
} from './samples.ts';
import { day, hour, opener, type MakeStore, type StoreUnderTest } from './subject.ts';

const names = ['one', 'two', 'three'];

const edits = {
  cancel: (group: Group, id: FutureId, now: Instant) => finished(group, id, cancelledBy('owner', now)),
  send: (group: Group, _: FutureId, now: Instant) => ended(group, 'sent', now),
  close: (group: Group, _: FutureId, now: Instant) => ended(group, 'closed', now),
  claim: (group: Group, id: FutureId, now: Instant) => claimed(group, id, Math.floor(now) + 5000.5),
  release: (group: Group): Group =>
    group.phase === 'claimed' ? { ...group, phase: 'open', claim: null } : group,
  delete: () => null,
  revoke: (group: Group, id: FutureId, now: Instant) =>
    withFuture(group, id, { nonce: { high: id, low: Math.floor(now) % 1000 } }),
  hurry: (group: Group, id: FutureId, now: Instant) => withFuture(group, id, { deadline: Math.ceil(now) }),
} as const;
type Edit = keyof typeof edits;

const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('schedule' as const),
      owner: fc.constantFrom(...owners),
      name: fc.constantFrom(...names),
      timeout: fc.constantFrom<Ms | null>(null, 1, 800, 70_000, 2 * day),
      key: fc.constantFrom(null, ...keys),
      generation: fc.constantFrom<Generation>('futures', 'delay-parameter', 'delayed-events'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('edit' as const),
      pick: fc.nat(),
      how: fc.constantFrom(...Object.keys(edits).filter((name): name is Edit => name in edits)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('refresh' as const),
      picks: fc.array(fc.nat(), { maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('state' as const),
      key: fc.constantFrom(...keys),
      sender: fc.constantFrom(alice, bob, carol),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      by: fc.constantFrom(0.25, 1, 500.5, 4000, 69_999.75, hour, day),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('due' as const), limit: fc.constantFrom(1, 2, 100) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('renew' as const), pick: fc.nat(), stale: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('deactivate' as const), owner: fc.constantFrom(...owners) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const), limit: fc.constantFrom(1, 50) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer O> ? O : never;

/** Does one operation on both. Returns the store to go on with. */
async function run(
  op: Operation,
  model: Reference,
  subject: StoreUnderTest,
  store: FutureStore,
): Promise<FutureStore> {
  const { clock } = subject;
  switch (op.do) {
    case 'schedule': {
      const { owner, name, timeout, key, generation } = op;
      if (model.inactive.has(owner)) return store;
      const expected = model.named(owner, name);
      const made = await store.change({ by: 'name', owner, name }, (found, world) => {
        expect(comparable(found)).toEqual(comparable(expected));
        if (found !== null && found.phase !== 'open') return { next: found, answer: null };
        const draft = key === null ? draftOf({ sender: owner }) : stateDraft(key, owner);
        const future = futureOf(world, { timeout, generation, draft });
        const next =
          found === null
            ? groupOf(world, [future], { owner, name })
            : { ...found, futures: [...found.futures, future] };
        return { next, answer: { next, id: future.id } };
      });
      if (made === null) return store;
      model.groups.set(made.next.id, made.next);
      model.madeAfter.set(made.id, model.arrivals.length);
      model.ids.push(made.id);
      return store;
    }
    case 'edit': {
      const future = model.pick(op.pick);
      if (future === undefined) return store;
      const expected = model.groupOf(future);
      const now = clock.now();
      const make = (group: Group): Group | null => {
        const running = group.phase === 'open' || group.phase === 'claimed';
        const scheduled = group.futures.some(({ id, status }) => id === future && status === 'scheduled');
        if (op.how !== 'delete' && !(running && scheduled)) return group;
        return edits[op.how](group, future, now);
      };
      const next = await store.change({ by: 'future', future }, (found) => {
        expect(comparable(found)).toEqual(comparable(expected));
        const made = found && make(found);
        return { next: made, answer: made };
      });
      if (next !== null) model.groups.set(next.id, next);
      else if (expected !== undefined) model.groups.delete(expected.id);
      return store;
    }
    case 'refresh': {
      const asked = op.picks.flatMap((pick) => {
        const id = model.pick(pick);
        const future =
          id === undefined ? undefined : model.groupOf(id)?.futures.find((each) => each.id === id);
        return future === undefined ? [] : [future];
      });
      const expected = asked.map(({ id }) => model.refresh(id, clock.now()));
      expect(await store.refresh(asked.map((future) => capability(future)))).toEqual(expected);
      return store;
    }
    case 'state':
      model.arrivals.push({ key: op.key, sender: op.sender });
      await store.stateArrived(stateKey(op.key), `$${model.arrivals.length}`, op.sender);
      return store;
    case 'advance':
      clock.advance(op.by);
      return store;
    case 'due': {
      const now = clock.now();
      const decide: DecideDue<string> = (group, due, world) => ({
        next: whenDue(group, due, world.now),
        answer: `group ${group.id} future ${due}`,
      });
      expect(await store.changeDue(op.limit, decide)).toEqual(model.due(op.limit, now));
      return store;
    }
    case 'renew': {
      const id = model.pick(op.pick);
      const group = id === undefined ? undefined : model.groupOf(id);
      if (group === undefined) return store;
      const epoch = op.stale ? group.epoch - 1 : group.epoch;
      const lease = Math.floor(clock.now()) + 7000.5 - clock.now();
      const expected = group.claim !== null && !op.stale;
      expect(await store.renew([{ group: group.id, epoch }], lease)).toEqual([expected]);
      if (expected && group.claim !== null) {
        const leaseEnd = Math.max(group.claim.leaseEnd, clock.now() + lease);
        model.groups.set(group.id, { ...group, claim: { ...group.claim, leaseEnd } });
      }
      return store;
    }
    case 'deactivate':
      model.inactive.add(op.owner);
      await store.deactivate(op.owner);
      return store;
    case 'sweep': {
      await sweepAll(store, buryAll, op.limit);
      model.sweep(clock.now());
      for (const owner of owners) await expectOutcomes(owner, model, store, clock.now());
      return store;
    }
    case 'reopen':
      return subject.reopen === null ? store : subject.reopen();
    case 'fail':
      if (subject.failNextCommit !== undefined) {
        subject.failNextCommit();
        await expect(schedule(store, { name: 'never' })).rejects.toThrow(StoreUnavailable);
      }
      return store;
  }
}

/** After a sweep. Which of several outcomes of one instant fell off the end of the list is not settled. */
async function expectOutcomes(
  owner: UserId,
  model: Reference,
  store: FutureStore,
  now: Instant,
): Promise<void> {
  const actual = await listed(store, 'finished', owner);
  expect(actual.map(({ future }) => future.outcome?.at)).toEqual(model.outcomes(owner, now));
  for (const { future, groupName } of actual) {
    const group = model.groupOf(future.id);
    expect(groupName).toBe(group?.name);
    expect(comparable(group)?.futures).toContainEqual({ ...future, since: Math.ceil(future.since) });
  }
}

async function visible(store: FutureStore, ids: readonly FutureId[]): Promise<Visible> {
  const found = await Promise.all(ids.map((id) => store.find(id)));
  return {
    groups: found.map((one) => comparable(one?.group)),
    owners: await Promise.all(
      owners.map(async (owner) => {
        const usage = await store.usage(owner);
        return {
          ...usage,
          onKey: keys.map((key) => usage.onKey(stateKey(key))),
          running: await idsListed(store, 'running', owner),
        };
      }),
    ),
  };
}

export function modelConformance(makeStore: MakeStore): void {
  const open = opener(makeStore);

  test(
    'any operations in any order leave what a plain list of groups would say',
    { timeout: 60_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 40, size: 'max' }), async (operations) => {
          const model = new Reference();
          const subject = await open(retention);
          let { store } = subject;
          for (const op of operations) {
            store = await run(op, model, subject, store);
            expect(await visible(store, model.ids)).toEqual(model.visible());
            const first = model.agenda()[0]?.at ?? null;
            expect(store.nextDue() === null).toBe(first === null);
            expect(store.nextDue() ?? Infinity).toBeLessThanOrEqual(first ?? Infinity);
          }
          await store[Symbol.asyncDispose]();
        }),
        { numRuns: 60 },
      );
    },
  );
}

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  StoreUnavailable,
  type DecideDue,
  type Future,
  type FutureId,
  type FutureStore,
  type Generation,
  type Group,
  type GroupId,
  type Instant,
  type Ms,
  type Retention,
  type UserId,
} from '@matrix-futures/engine';
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

const owners: readonly UserId[] = [alice, bob];
const names = ['one', 'two', 'three'];
const keys = ['x', 'y'];
/** Off by an eighth, while the clock moves by quarters: nothing ever happens at the very end of a retention time. */
const retention: Retention = { listed: hour + 0.125, listedPerOwner: 4, tombstones: day + 0.125 };

/** A due future, or the expired lease of a group. */
interface Due {
  readonly at: Instant;
  readonly group: Group;
  readonly future: FutureId | null;
}

/** What a store of futures is, in as few words as possible: everything in one map, searched from end to end. */
class Model {
  readonly groups = new Map<GroupId, Group>();
  readonly arrivals: { readonly key: string; readonly sender: UserId }[] = [];
  /** how many state events had arrived when a future was made */
  readonly madeAfter = new Map<FutureId, number>();
  readonly inactive = new Set<UserId>();
  readonly ids: FutureId[] = [];

  groupOf(id: FutureId): Group | undefined {
    return [...this.groups.values()].find(({ futures }) => futures.some((future) => future.id === id));
  }

  named(owner: UserId, name: string): Group | undefined {
    return [...this.groups.values()].find(
      (group) => group.owner === owner && group.name === name && group.phase !== 'closed',
    );
  }

  /** By number, so that a shrunken example still names one. */
  pick(number: number): FutureId | undefined {
    return this.ids[number % Math.max(1, this.ids.length)];
  }

  dead(future: Future): boolean {
    if (this.inactive.has(future.draft.sender)) return true;
    return this.arrivals
      .slice(this.madeAfter.get(future.id))
      .some(
        ({ key, sender }) =>
          future.draft.stateKey === key &&
          (future.generation === 'futures' ||
            (future.generation === 'delay-parameter' && sender !== future.draft.sender)),
      );
  }

  refresh(id: FutureId, now: Instant): Instant | null {
    const group = this.groupOf(id);
    const future = group?.futures.find((each) => each.id === id);
    if (group?.phase !== 'open' || future?.status !== 'scheduled') return null;
    if (future.timeout === null || this.dead(future)) return null;
    const deadline = Math.ceil(now + future.timeout);
    this.groups.set(group.id, withFuture(group, id, { deadline, since: Math.ceil(now) }));
    return deadline;
  }

  /** What is due some day, in order. No lease ends at a deadline: leases end at a half. */
  agenda(): Due[] {
    return [...this.groups.values()]
      .flatMap((group): Due[] => {
        if (group.claim !== null) return [{ at: group.claim.leaseEnd, group, future: null }];
        if (group.phase !== 'open') return [];
        return group.futures.flatMap(({ id, status, deadline }): Due[] =>
          status === 'scheduled' && deadline !== null ? [{ at: deadline, group, future: id }] : [],
        );
      })
      .sort((a, b) => a.at - b.at || (a.future ?? a.group.id) - (b.future ?? b.group.id));
  }

  due(limit: number, now: Instant): string[] {
    const offered: string[] = [];
    const name = (group: Group, future: FutureId | null) => `group ${group.id} future ${future}`;
    while (offered.length < limit) {
      const first = this.agenda().find(({ group, future }) => !offered.includes(name(group, future)));
      if (first === undefined || first.at > now) break;
      offered.push(name(first.group, first.future));
      this.groups.set(first.group.id, whenDue(first.group, first.future, now));
    }
    return offered;
  }

  sweep(now: Instant): void {
    for (const group of [...this.groups.values()]) {
      const running = group.phase === 'open' || group.phase === 'claimed';
      if (running && group.futures.some((future) => future.status === 'scheduled' && this.dead(future)))
        this.groups.set(group.id, ended(group, 'closed', now));
      if (group.endedAt !== null && group.endedAt + retention.tombstones <= now) this.groups.delete(group.id);
    }
  }
}

/** Some it leaves, of some it sends the event, some fail; expired leases it lengthens. */
function whenDue(group: Group, due: FutureId | null, now: Instant): Group {
  if (due === null)
    return { ...group, claim: group.claim && { ...group.claim, leaseEnd: Math.floor(now) + hour + 0.5 } };
  if (due % 3 === 0) return group;
  if (due % 3 === 1) return ended(group, 'sent', now);
  return finished(group, due, cancelledBy('token', now));
}

/** Groups as both sides must see them: `since` to the millisecond, which is all that a refresh has to keep. */
function comparable(group: Group | null | undefined): Group | null {
  if (group == null) return null;
  return {
    ...group,
    futures: group.futures.map((future) => ({ ...future, since: Math.ceil(future.since) })),
  };
}

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
  model: Model,
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
      for (const owner of owners) await expectFinished(owner, model, store, clock.now());
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

/** After a sweep: the last outcomes of the owner. Which of several of one instant fell off the end is not settled. */
async function expectFinished(owner: UserId, model: Model, store: FutureStore, now: Instant): Promise<void> {
  const expected = [...model.groups.values()]
    .filter((group) => group.owner === owner)
    .flatMap(({ futures }) => futures.flatMap(({ outcome }) => (outcome === null ? [] : [outcome.at])))
    .filter((at) => at + retention.listed > now)
    .sort((a, b) => b - a);
  const actual = await listed(store, 'finished', owner);
  expect(actual.map(({ future }) => future.outcome?.at)).toEqual(expected.slice(0, retention.listedPerOwner));
  for (const { future, groupName } of actual) {
    const group = model.groupOf(future.id);
    expect(groupName).toBe(group?.name);
    expect(comparable(group)?.futures).toContainEqual({ ...future, since: Math.ceil(future.since) });
  }
}

/** Everything that can be asked of the store is what the model says. */
async function expectSame(model: Model, store: FutureStore): Promise<void> {
  for (const id of model.ids) {
    const found = await store.find(id);
    expect(comparable(found?.group)).toEqual(comparable(model.groupOf(id)));
    if (found !== null) expect(found.group.futures.filter((each) => each.id === id)).toEqual([found.future]);
  }
  for (const owner of owners) {
    const futures = [...model.groups.values()].flatMap((group) =>
      group.owner === owner ? group.futures : [],
    );
    const pending = futures.filter(({ status }) => status === 'scheduled');
    const usage = await store.usage(owner);
    const deadlines = pending.flatMap(({ deadline }) => (deadline === null ? [] : [deadline]));
    expect({ ...usage, onKey: keys.map((key) => usage.onKey(stateKey(key))) }).toEqual({
      pending: pending.length,
      contentBytes: pending.reduce((sum, { draft }) => sum + JSON.stringify(draft.content).length, 0),
      onKey: keys.map((key) => pending.filter(({ draft }) => draft.stateKey === key).length),
      nextDeadline: deadlines.length === 0 ? null : Math.min(...deadlines),
    });
    const alive = pending.filter((future) => !model.dead(future)).map(({ id }) => id);
    expect(await idsListed(store, 'running', owner)).toEqual(alive.sort((a, b) => a - b));
  }
  const first = model.agenda()[0];
  if (first === undefined) expect(store.nextDue()).toBe(null);
  else expect(store.nextDue()).toBeLessThanOrEqual(first.at);
}

export function modelConformance(makeStore: MakeStore): void {
  const open = opener(makeStore);

  test(
    'any operations in any order leave what a plain list of groups would say',
    { timeout: 60_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 40, size: 'max' }), async (operations) => {
          const model = new Model();
          const subject = await open(retention);
          let { store } = subject;
          for (const op of operations) {
            store = await run(op, model, subject, store);
            await expectSame(model, store);
          }
          await store[Symbol.asyncDispose]();
        }),
        { numRuns: 60 },
      );
    },
  );
}

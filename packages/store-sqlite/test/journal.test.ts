import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { Future, FutureId } from '@matrix-futures/engine';
import { deadlineOf, edit, refresh, schedule, sent } from './samples.ts';
import { SetClock, StoreFixture } from './store-fixture.ts';

const fixtures: StoreFixture[] = [];
afterEach(() => {
  for (const fixture of fixtures.splice(0)) fixture.remove();
});
function openStore(least: number) {
  const clock = new SetClock();
  const fixture = new StoreFixture({ clock, journal: { least, perFuture: 0 } });
  fixtures.push(fixture);
  return { clock, fixture };
}

function deadlineInRow(fixture: StoreFixture, { id }: Future): unknown {
  return fixture.ask(`SELECT deadline FROM futures WHERE id = ${id}`);
}

test('the refreshes of one turn are one row, and no row of a future is written', async () => {
  const { clock, fixture } = openStore(1_000);
  const futures = [
    await schedule(fixture.store),
    await schedule(fixture.store),
    await schedule(fixture.store),
  ];
  clock.instant += 100;
  await Promise.all(futures.map((future) => refresh(fixture.store, future)));
  expect(fixture.ask('SELECT count(*) FROM journal')).toBe(1);
  expect(fixture.ask('SELECT length(entries) FROM journal')).toBe(3 * 16);
  for (const future of futures) expect(deadlineInRow(fixture, future)).toBe(future.deadline);
  const store = fixture.reopen();
  for (const future of futures)
    expect(await deadlineOf(store, future.id)).toBe(Number(future.deadline) + 100);
});

test('beyond its limit the journal is folded: the last entry of a future goes to its row, others just go', async () => {
  const { clock, fixture } = openStore(10);
  const quiet = await schedule(fixture.store, { name: 'quiet' });
  const lively = await schedule(fixture.store, { name: 'lively' });
  clock.instant += 100;
  await refresh(fixture.store, quiet);
  for (let count = 0; count < 30; count += 1) {
    clock.instant += 1;
    await refresh(fixture.store, lively);
  }
  expect(fixture.ask('SELECT count(*) FROM journal')).toBe(10);
  expect(deadlineInRow(fixture, quiet)).toBe(Number(quiet.deadline) + 100);
  expect(deadlineInRow(fixture, lively)).toBe(lively.deadline);
  const store = fixture.reopen();
  expect(await deadlineOf(store, quiet.id)).toBe(Number(quiet.deadline) + 100);
  expect(await deadlineOf(store, lively.id)).toBe(Number(lively.deadline) + 130);
});

test('one commit writes no more than 200 rows to fold, and the rest comes later', async () => {
  const { clock, fixture } = openStore(0);
  const futures = await Promise.all(
    Array.from({ length: 900 }, (_, at) => schedule(fixture.store, { name: `${at}` })),
  );
  clock.instant += 100;
  const written = () =>
    Number(fixture.ask(`SELECT count(*) FROM futures WHERE deadline = ${clock.instant - 0.25 + 1001}`));
  await Promise.all(futures.map((future) => refresh(fixture.store, future)));
  expect(written()).toBe(200);
  const others = futures.slice(0, 100);
  for (let turns = 0; turns < 100 && written() < 800; turns += 1)
    await Promise.all(others.map((future) => refresh(fixture.store, future)));
  expect(written()).toBeGreaterThanOrEqual(800);
  const store = fixture.reopen();
  for (const { id } of futures) expect(await deadlineOf(store, id)).toBe(clock.instant - 0.25 + 1001);
});

test('what a lost turn had folded is folded again', async () => {
  const { clock, fixture } = openStore(0);
  const futures = await Promise.all(
    Array.from({ length: 20 }, (_, at) => schedule(fixture.store, { name: `${at}` })),
  );
  clock.instant += 100;
  await Promise.all(futures.map((future) => refresh(fixture.store, future)));
  const [first] = futures;
  if (first === undefined) throw new Error('none was made');
  for (let count = 0; fixture.ask('SELECT min(sequence) FROM journal') === 1; count += 1) {
    if (count % 2 === 0) fixture.failNextCommit();
    await Promise.allSettled([refresh(fixture.store, first)]);
  }
  const store = fixture.reopen();
  for (const { id, deadline } of futures) expect(await deadlineOf(store, id)).toBe(Number(deadline) + 100);
});

test('an entry of a future that ended says nothing, also of a future made later', async () => {
  const { clock, fixture } = openStore(1_000);
  const ended = await schedule(fixture.store);
  clock.instant += 100;
  await refresh(fixture.store, ended);
  await edit(fixture.store, ended.id, () => null);
  const later = await fixture.reopen().change({ by: 'id', group: 0 }, (_, world) => ({
    next: null,
    answer: world.newFutureId(),
  }));
  expect(later).toBeGreaterThan(ended.id);
});

test('whatever is refreshed, moved, ended, folded and killed: every deadline is the last one that was answered', async () => {
  const operation = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('refresh' as const),
        picks: fc.array(fc.nat(), { maxLength: 5 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('move' as const),
        pick: fc.nat(),
        by: fc.integer({ min: -5_000, max: 5_000 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('park' as const), pick: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), pick: fc.nat() }) },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.nat(12),
      fc.array(operation, { maxLength: 40, size: 'max' }),
      async (least, operations) => {
        const { clock, fixture } = openStore(least);
        const futures: Future[] = [];
        for (let count = 0; count < 8; count += 1)
          futures.push(await schedule(fixture.store, { name: `${count}` }));
        const model = new Map<FutureId, number | null>(futures.map(({ id, deadline }) => [id, deadline]));
        const pick = (number: number) => futures[number % futures.length]!;
        for (const op of operations) {
          clock.instant += 7;
          const { store } = fixture;
          if (op.do === 'refresh') {
            const asked = op.picks.map(pick);
            const answers = await Promise.all(asked.map((future) => refresh(store, future)));
            for (const [at, { id }] of asked.entries())
              if (answers[at] !== null) model.set(id, answers[at] ?? null);
          } else if (op.do === 'move') {
            const { id } = pick(op.pick);
            const deadline = Math.ceil(clock.instant + op.by);
            await edit(store, id, (group) =>
              group.phase === 'open'
                ? { ...group, futures: group.futures.map((each) => ({ ...each, deadline })) }
                : group,
            );
            if (model.has(id)) model.set(id, deadline);
          } else if (op.do === 'end') {
            const { id } = pick(op.pick);
            await edit(store, id, (group, world) => (group.phase === 'open' ? sent(group, world) : group));
            model.delete(id);
          } else if (op.do === 'park') {
            // Its row is written anew, with entries of the old one still in the journal.
            const { id } = pick(op.pick);
            const deadline = Math.ceil(clock.instant) + 3_000;
            for (const timeout of [null, 1_000]) {
              await edit(store, id, (group) =>
                group.phase === 'open'
                  ? { ...group, futures: group.futures.map((each) => ({ ...each, timeout, deadline })) }
                  : group,
              );
            }
            if (model.has(id)) model.set(id, deadline);
          } else if (op.do === 'lose') {
            fixture.failNextCommit();
            await Promise.allSettled([refresh(store, pick(op.pick))]);
          } else {
            fixture.reopen();
          }
          for (const [id, deadline] of model) expect(await deadlineOf(fixture.store, id)).toBe(deadline);
        }
        fixture.remove();
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

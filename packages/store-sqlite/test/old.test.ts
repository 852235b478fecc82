import { afterEach, expect, test } from 'vitest';
import type { Decide } from '@matrix-futures/engine';
import { alice, closed, edit, listed, schedule } from './samples.ts';
import { SetClock, StoreFixture, usualRetention } from './store-fixture.ts';

const fixtures: StoreFixture[] = [];
afterEach(() => {
  for (const fixture of fixtures.splice(0)) fixture.remove();
});

const leave: Decide<void> = (group) => ({ next: group, answer: undefined });

async function sweepAll(fixture: StoreFixture, limit = 50): Promise<void> {
  while ((await fixture.store.sweep(limit, leave)) > 0);
}

function openStore(retention = usualRetention) {
  const clock = new SetClock();
  const fixture = new StoreFixture({ clock, retention });
  fixtures.push(fixture);
  return { clock, fixture };
}

test('a large content goes when its future leaves the list; the rest of the future stays', async () => {
  const { fixture } = openStore({ ...usualRetention, listedPerOwner: 1 });
  const content = { body: 'x'.repeat(5_000) };
  const large = await schedule(fixture.store, { name: 'large', content });
  const small = await schedule(fixture.store, { name: 'small' });
  const last = await schedule(fixture.store, { name: 'last', content });
  for (const { id } of [large, small, last]) await edit(fixture.store, id, closed);
  await sweepAll(fixture);
  expect(await listed(fixture.store, alice, 'finished')).toEqual([last.id]);
  const draftOf = async (id: number) => (await fixture.store.find(id))?.future.draft;
  expect(await draftOf(large.id)).toEqual({ ...large.draft, content: {} });
  expect(await draftOf(small.id)).toEqual(small.draft);
  expect(await draftOf(last.id)).toEqual(last.draft);
});

test('lists that became too long before a restart are shortened after it', async () => {
  const { fixture } = openStore({ ...usualRetention, listedPerOwner: 2 });
  const owners = Array.from({ length: 7 }, (_, at) => `@user${at}:example.org`);
  for (const owner of owners) {
    for (const name of ['a', 'b', 'c']) {
      const { id } = await schedule(fixture.store, { owner, name });
      await edit(fixture.store, id, closed);
    }
  }
  fixture.reopen();
  await sweepAll(fixture, 3);
  for (const owner of owners) expect(await listed(fixture.store, owner, 'finished')).toHaveLength(2);
});

test('nothing of a group is left in any table when its time is up', async () => {
  const { clock, fixture } = openStore();
  for (let count = 0; count < 20; count += 1) {
    const { id } = await schedule(fixture.store, { name: `${count}`, key: `${count % 3}` });
    await schedule(fixture.store, { name: `${count}`, timeout: null });
    await edit(fixture.store, id, closed);
  }
  clock.instant += usualRetention.tombstones + 1;
  await sweepAll(fixture, 7);
  for (const table of ['groups', 'futures', 'drafts', 'state_keys', 'marks'])
    expect([table, fixture.ask(`SELECT count(*) FROM ${table}`)]).toEqual([table, 0]);
});

test('a group larger than a step is removed in one, and the step says no more than its limit', async () => {
  const { clock, fixture } = openStore();
  const { id } = await schedule(fixture.store);
  for (let count = 0; count < 20; count += 1) await schedule(fixture.store);
  await edit(fixture.store, id, closed);
  clock.instant += usualRetention.tombstones + 1;
  const steps: number[] = [];
  for (let rows = 1; rows > 0; steps.push(rows)) rows = await fixture.store.sweep(5, leave);
  expect(Math.max(...steps)).toBe(5);
  expect(await fixture.store.find(id)).toBe(null);
});

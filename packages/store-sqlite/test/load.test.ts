import { afterEach, expect, test } from 'vitest';
import { alice, closed, deadlineOf, edit, listed, schedule } from './samples.ts';
import { SetClock, StoreFixture } from './store-fixture.ts';

const fixtures: StoreFixture[] = [];
afterEach(() => {
  for (const fixture of fixtures.splice(0)) fixture.remove();
});

test('a start finds what is pending among much that is finished, and across long gaps', async () => {
  const fixture = new StoreFixture({ clock: new SetClock() });
  fixtures.push(fixture);
  const { store } = fixture;
  const pending: number[] = [];
  for (const gap of [0, 1, 999, 1_000, 1_001, 50_000, 0, 0]) {
    await store.change({ by: 'id', group: 0 }, (_, world) => {
      for (let count = 0; count < gap; count += 1) world.newFutureId();
      return { next: null, answer: undefined };
    });
    const finished = await schedule(store, { name: `finished ${gap}` });
    await edit(store, finished.id, closed);
    pending.push((await schedule(store, { name: `pending ${pending.length}` })).id);
  }
  const deadlines = await Promise.all(pending.map((id) => deadlineOf(store, id)));
  const again = fixture.reopen();
  expect(await listed(again, alice, 'running')).toEqual(pending);
  expect(await Promise.all(pending.map((id) => deadlineOf(again, id)))).toEqual(deadlines);
  expect((await again.usage(alice)).pending).toBe(pending.length);
  expect(again.nextDue()).toBeLessThanOrEqual(Math.min(...deadlines.map(Number)));
});

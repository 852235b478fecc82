import { afterEach, expect, test } from 'vitest';
import type { FutureId } from '@matrix-futures/engine';
import { closed, edit, schedule } from './samples.ts';
import { SetClock, StoreFixture } from './store-fixture.ts';

const fixtures: StoreFixture[] = [];
afterEach(() => {
  for (const fixture of fixtures.splice(0)) fixture.remove();
});

test('of one millisecond the lower id comes first, also when it has the slot of one that ended', async () => {
  const clock = new SetClock();
  const fixture = new StoreFixture({ clock });
  fixtures.push(fixture);
  const { store } = fixture;
  const early: FutureId[] = [];
  for (let count = 0; count < 10; count += 1)
    early.push((await schedule(store, { name: `early ${count}` })).id);
  // Their slots are taken again from the last one on: 4, 2, 7.
  for (const at of [7, 2, 4]) await edit(store, early[at] ?? 0, closed);
  const late: FutureId[] = [];
  for (let count = 0; count < 5; count += 1) late.push((await schedule(store, { name: `late ${count}` })).id);
  clock.instant += 5_000;
  const expected = [...early.filter((_, at) => ![7, 2, 4].includes(at)), ...late];
  const seen: (FutureId | null)[] = [];
  for (let offered = 1; offered > 0;) {
    const due = await store.changeDue(3, (group, id, world) => ({ next: closed(group, world), answer: id }));
    seen.push(...due);
    offered = due.length;
  }
  expect(seen).toEqual(expected);
});

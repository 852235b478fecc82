import { afterEach, expect, test } from 'vitest';
import { StoreUnavailable } from '@matrix-futures/engine';
import { alice, bob, edit, refresh, schedule, sent, stateKey } from './samples.ts';
import { SetClock, StoreFixture } from './store-fixture.ts';

const fixtures: StoreFixture[] = [];
afterEach(() => {
  for (const fixture of fixtures.splice(0)) fixture.remove();
});

test('a disk that is full anywhere between the event and the outcome leaves neither, and nothing in memory', async () => {
  const clock = new SetClock();
  const fixture = new StoreFixture({ clock });
  fixtures.push(fixture);
  const { database, store } = fixture;
  database.migrate('room', [{ version: 1, sql: 'CREATE TABLE events (content TEXT NOT NULL) STRICT' }]);
  const append = database.prepare<[string], never>('INSERT INTO events (content) VALUES (?)');
  const content = { body: 'x'.repeat(20_000) };
  const future = await schedule(store, { key: 'x', content });
  const bystander = await schedule(store, {
    name: 'bystander',
    key: 'x',
    owner: bob,
    generation: 'delayed-events',
  });
  const usage = await store.usage(alice);
  clock.instant += 10;

  let appended = false;
  const send = () =>
    edit(store, future.id, (group, world) => {
      append.run('y'.repeat(20_000));
      void store.stateArrived(stateKey('x'), '$event', alice);
      appended = true;
      const next = sent(group, world);
      // An outcome that takes pages, too: the room's words, however long.
      const error = { status: 403, errcode: 'M_FORBIDDEN', error: 'z'.repeat(20_000) };
      const outcome = { kind: 'failed', at: world.now, error } as const;
      return { ...next, futures: next.futures.map((each) => ({ ...each, outcome })) };
    });

  const pages = Number(fixture.ask('PRAGMA page_count'));
  const failedAfterAppend: boolean[] = [];
  for (let room = 0; ; room += 1) {
    appended = false;
    database.connection.exec(`PRAGMA max_page_count = ${pages + room}`);
    const [result] = await Promise.allSettled([send()]);
    if (result.status === 'fulfilled') break;
    failedAfterAppend.push(appended);
    expect(result.reason).toBeInstanceOf(StoreUnavailable);
    expect(fixture.ask('SELECT count(*) FROM events')).toBe(0);
    expect((await store.find(future.id))?.future).toEqual(future);
    expect({ ...(await store.usage(alice)), onKey: null }).toEqual({ ...usage, onKey: null });
  }
  expect(failedAfterAppend).toContain(false);
  expect(failedAfterAppend).toContain(true);
  expect(fixture.ask('SELECT count(*) FROM events')).toBe(1);
  expect((await store.find(future.id))?.future.outcome?.kind).toBe('failed');
  expect(await refresh(store, bystander)).toBe(Math.ceil(clock.instant + 1_000));
  expect((await fixture.withFreshStore((fresh) => fresh.usage(alice))).pending).toBe(0);
});

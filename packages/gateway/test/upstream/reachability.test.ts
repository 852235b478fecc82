import type { Timers } from '@matrix-futures/engine';
import { afterEach, expect, test } from 'vitest';
import { Reachability } from '../../src/upstream/reachability.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { startHomeserver, timers, type Reply } from '../homeserver.ts';

const stack: AsyncDisposable[] = [];
afterEach(async () => {
  for (const opened of stack.splice(0).toReversed()) await opened[Symbol.asyncDispose]();
});

async function open(first: Reply) {
  const world = { reply: first, returns: 0 };
  const armed = new Set<object>();
  /** A hundred times as fast. */
  const quick: Timers = {
    ...timers,
    after(delay, run) {
      const timer = {};
      armed.add(timer);
      const cancel = timers.after(delay / 100, () => {
        armed.delete(timer);
        run();
      });
      return () => {
        armed.delete(timer);
        cancel();
      };
    },
  };
  const homeserver = await startHomeserver(() => world.reply);
  stack.push(homeserver);
  const upstream = new Upstream(homeserver.url, timers);
  const reachability = new Reachability(upstream, quick);
  reachability.onReturn(() => (world.returns += 1));
  stack.push({
    [Symbol.asyncDispose]: async () => {
      reachability.close();
      upstream.close();
    },
  });
  const ask = (): Promise<unknown> =>
    upstream.ask({ method: 'GET', path: '/any', limit: 10_000 }).catch(() => null);
  return { world, reachability, ask, homeserver, armed };
}

const away: readonly Reply[] = [null, ...[502, 503, 504].map((status) => ({ status, body: '<html>' }))];
const here: readonly Reply[] = [200, 401, 404, 429, 500].map((status) => ({ status, body: {} }));

test.each(away)(
  'after %j it is away, and asked until it answers; then whoever waits is told once',
  async (reply) => {
    const { world, reachability, ask, homeserver } = await open(reply);
    expect(reachability.isAway).toBe(false);
    await ask();
    expect(reachability.isAway).toBe(true);
    await expect
      .poll(() => homeserver.asked.filter(({ path }) => path === '/_matrix/client/versions').length)
      .toBeGreaterThan(2);
    expect(world.returns).toBe(0);
    world.reply = { status: 200, body: {} };
    await expect.poll(() => world.returns).toBe(1);
    expect(reachability.isAway).toBe(false);
    const before = homeserver.asked.length;
    await ask();
    await ask();
    expect(world.returns).toBe(1);
    expect(homeserver.asked.length).toBe(before + 2);
  },
);

test.each(here)('an answer of %j shows that it is here', async (reply) => {
  const { world, reachability, ask, homeserver } = await open(reply);
  await ask();
  expect(reachability.isAway).toBe(false);
  expect([homeserver.asked.length, world.returns]).toEqual([1, 0]);
});

test('any answer, to whomever, says that it is back', async () => {
  const { world, ask } = await open(null);
  await ask();
  world.reply = { status: 401, body: {} };
  await ask();
  expect(world.returns).toBe(1);
});

test('once closed it asks no more', async () => {
  const { reachability, ask, homeserver, armed } = await open(null);
  await ask();
  await expect.poll(() => homeserver.asked.length).toBeGreaterThan(1);
  reachability.close();
  await expect.poll(() => armed.size).toBe(0);
});

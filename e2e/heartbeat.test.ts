import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ClientApi } from './client-api.ts';
import { startServerProcess } from './server-process.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'heartbeat-'));
});
afterEach(() => rm(directory, { recursive: true }));

const timeout = 1_500;

/** Syncs for this long, and answers the types of what came in a room. */
async function syncFor(api: ClientApi, ms: number, until = 'nothing'): Promise<string[]> {
  const types: string[] = [];
  let since = (await api.request('GET', '/v3/sync?timeout=0')).body.next_batch;
  for (const end = performance.now() + ms; performance.now() < end && !types.includes(until);) {
    const { body } = await api.request('GET', `/v3/sync?timeout=400&since=${since}`);
    since = body.next_batch;
    for (const room of Object.values<any>(body.rooms?.join ?? {}))
      types.push(...room.timeline.events.map(({ type }: any) => type));
  }
  return types;
}

it('while a device syncs its leave is not sent; after kill -9 it is, and not before a whole timeout', async () => {
  const flags = ['--open-registration'];
  const first = await startServerProcess({ dataDir: join(directory, 'data'), flags });
  const ada = await new ClientApi(first.url).register('ada');
  const bob = await new ClientApi(first.url).register('bob');
  const { body: room } = await ada.request('POST', '/v3/createRoom', { preset: 'public_chat' });
  await bob.request('POST', `/v3/join/${encodeURIComponent(room.room_id)}`, {});
  const path = `/v3/rooms/${encodeURIComponent(room.room_id)}/send_future/m.left/t`;
  const scheduled = await ada.request(
    'PUT',
    `${path}?future_timeout=${timeout}&dev.matrix-futures.heartbeat=sync`,
    {},
  );
  expect(scheduled.status).toBe(200);

  const [, seen] = await Promise.all([syncFor(ada, 2 * timeout + 500), syncFor(bob, 2 * timeout)]);
  expect(seen).not.toContain('m.left');
  await first.stop('SIGKILL');

  const asked = performance.now();
  await using second = await startServerProcess({ dataDir: join(directory, 'data'), flags });
  const observer = new ClientApi(second.url, bob.token);
  expect(await syncFor(observer, 10_000, 'm.left')).toContain('m.left');
  expect(performance.now() - asked).toBeGreaterThanOrEqual(timeout);
});

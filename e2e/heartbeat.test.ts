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

/** A machine that stands still for less than this between two polls of a device ends no call. */
const timeout = 4_000;

interface Heard {
  readonly types: readonly string[];
  readonly since: string;
}

/** Syncs on, and answers the types of what came in rooms, when that is enough. */
async function syncUntil(
  api: ClientApi,
  since: string,
  isEnough: (types: readonly string[]) => boolean,
): Promise<Heard> {
  const types: string[] = [];
  let next = since;
  while (!isEnough(types)) {
    const { body } = await api.request('GET', `/v3/sync?timeout=400&since=${next}`);
    next = body.next_batch;
    for (const room of Object.values<any>(body.rooms?.join ?? {}))
      types.push(...room.timeline.events.map(({ type }: any) => type));
  }
  return { types, since: next };
}

it('while a device syncs its leave is not sent; after kill -9 it is, and not before a whole timeout', async () => {
  const flags = ['--open-registration'];
  const first = await startServerProcess({ dataDir: join(directory, 'data'), flags });
  const ada = await new ClientApi(first.url).register('ada');
  const bob = await new ClientApi(first.url).register('bob');
  const { body: room } = await ada.request('POST', '/v3/createRoom', { preset: 'public_chat' });
  await bob.request('POST', `/v3/join/${encodeURIComponent(room.room_id)}`, {});
  const since: string = (await bob.request('GET', '/v3/sync?timeout=0')).body.next_batch;
  const path = `/v3/rooms/${encodeURIComponent(room.room_id)}/send_future/m.left/t`;
  const scheduled = await ada.request(
    'PUT',
    `${path}?future_timeout=${timeout}&dev.matrix-futures.heartbeat=sync`,
    {},
  );
  expect(scheduled.status).toBe(200);

  // For as long as there is a server.
  const syncing = syncUntil(ada, since, () => false).catch(() => {});
  const kept = performance.now() + 2 * timeout;
  const heard = await syncUntil(bob, since, () => performance.now() > kept);
  expect(heard.types).not.toContain('m.left');
  await first.stop('SIGKILL');
  await syncing;

  const asked = performance.now();
  await using second = await startServerProcess({ dataDir: join(directory, 'data'), flags });
  await syncUntil(new ClientApi(second.url, bob.token), heard.since, (types) => types.includes('m.left'));
  expect(performance.now() - asked).toBeGreaterThanOrEqual(timeout);
});

import { afterEach, expect, test } from 'vitest';
import { type ServerProcess, startServerProcess } from './server-process.ts';
import { ClientApi } from './client-api.ts';
import { freePort } from './free-port.ts';

let server: ServerProcess | null = null;
afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = null;
});

const valueOf = (text: string, name: string): number =>
  Number(new RegExp(`^${name.replaceAll(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1]);

test('Prometheus is told how many futures wait and how late they fired, where it was asked for and nowhere else', async () => {
  const metrics = `http://127.0.0.1:${await freePort()}`;
  server = await startServerProcess({
    flags: ['--open-registration', '--metrics-listen', metrics.slice('http://'.length)],
  });
  const alice = await new ClientApi(server.url).register('alice');
  const { body: room } = await alice.request('POST', '/v3/createRoom', {});
  const path = `/v3/rooms/${encodeURIComponent(room.room_id)}/send`;
  await alice.request('PUT', `${path}/m.x/1?org.matrix.msc4140.delay=600000`, {});
  const fires = await alice.request('PUT', `${path}/m.x/2?org.matrix.msc4140.delay=600000`, {});
  const read = async (): Promise<string> => (await fetch(`${metrics}/metrics`)).text();

  const before = await read();
  expect(valueOf(before, 'matrix_futures_pending')).toBe(2);
  expect(valueOf(before, 'matrix_futures_deliveries')).toBe(0);
  expect(valueOf(before, 'matrix_futures_lateness_seconds_count')).toBe(0);
  expect(before).toContain('process_resident_memory_bytes');

  await alice.request('PUT', `${path}/m.x/3?org.matrix.msc4140.delay=1`, {});
  await expect.poll(read).toMatch(/^matrix_futures_lateness_seconds_count 1$/m);
  await alice.request('POST', `/unstable/org.matrix.msc4140/delayed_events/${fires.body.delay_id}/cancel`);
  expect(valueOf(await read(), 'matrix_futures_pending')).toBe(1);

  expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
  expect((await fetch(`${metrics}/_matrix/client/versions`)).status).toBe(404);
});

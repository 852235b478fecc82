import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { ClientApi } from '../client-api.ts';
import { startSynapse } from './synapse.ts';

it('has what was sent before kill -9 when it is started again, at the same address', async () => {
  await using synapse = await startSynapse();
  const alice = await new ClientApi(synapse.url).register('alice');
  const { body: room } = await alice.request('POST', '/v3/createRoom', {});
  const path = `/v3/rooms/${encodeURIComponent(room.room_id)}`;
  const content = { msgtype: 'm.text', body: 'still here' };
  const sent = await alice.request('PUT', `${path}/send/m.room.message/1`, content);
  expect(sent.status).toBe(200);

  await synapse.kill();
  await expect(alice.request('GET', '/v3/account/whoami')).rejects.toThrow('fetch failed');
  await synapse.start();

  const event = await alice.request('GET', `${path}/event/${encodeURIComponent(sent.body.event_id)}`);
  expect(event).toMatchObject({ status: 200, body: { content } });
});

it('says why it does not start', async () => {
  const registrations = ['/nowhere/puppet.yaml'];
  await expect(startSynapse({ registrations })).rejects.toThrow('/nowhere/puppet.yaml');
});

it('ends with the process that started it, even if that is killed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'synapse-'));
  const script = `
    const { startSynapse } = await import(${JSON.stringify(join(import.meta.dirname, 'synapse.ts'))});
    console.log((await startSynapse({ directory: ${JSON.stringify(directory)} })).url);
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = await once(createInterface({ input: parent.stdout }), 'line');
  const answers = () =>
    fetch(`${url}/_matrix/client/versions`).then(
      ({ status }) => status,
      () => 'nothing',
    );
  expect(await answers()).toBe(200);
  parent.kill('SIGKILL');
  await expect.poll(answers).toBe('nothing');
  await rm(directory, { recursive: true });
});

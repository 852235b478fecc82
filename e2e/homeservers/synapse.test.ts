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

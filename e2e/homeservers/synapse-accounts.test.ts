import type { Draft } from '@matrix-futures/engine';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection } from '@matrix-futures/engine/conformance';
import { ClientApi } from '../client-api.ts';
import { connectGateway } from '../conformance/gateway-connection.ts';
import { tell } from '../conformance/registrations.ts';
import { SynapseAdmin } from './synapse-admin.ts';
import { startSynapse } from './synapse.ts';

const serverName = 'localhost';
const { texts, registrations } = tell(serverName);

const stack = new AsyncDisposableStack();
let url: string;
let admin: SynapseAdmin;
let room: string;
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'registrations-'));
  stack.defer(() => rm(directory, { recursive: true }));
  const puppet = join(directory, 'puppet.yaml');
  await writeFile(puppet, texts.puppet);
  const synapse = stack.use(await startSynapse({ registrations: [puppet], serverName }));
  ({ url } = synapse);
  admin = await SynapseAdmin.register(synapse, 'admin');
  const alice = await new ClientApi(url).register('alice');
  const made = await alice.request('POST', '/v3/createRoom', { preset: 'public_chat' });
  room = made.body.room_id;
});
afterAll(() => stack.disposeAsync());

const userId = (name: string): string => `@${name}:${serverName}`;

const connect = (synapseAdminToken: string): Promise<Connection> =>
  connectGateway({ url, registrations, takenFor: 'synapse', synapseAdminToken });

/** A message of somebody who has joined the room. */
async function messageOf(name: string): Promise<Draft> {
  const member = await new ClientApi(url).register(name);
  const { status } = await member.request('POST', `/v3/rooms/${encodeURIComponent(room)}/join`, {});
  expect(status).toBe(200);
  const content = { msgtype: 'm.text', body: 'later' };
  return { room, sender: userId(name), type: 'm.room.message', stateKey: null, content, extras: {} };
}

describe('with the token of an administrator', () => {
  it.each([
    ['locked', (user: string) => admin.request('PUT', `/v2/users/${user}`, { locked: true })],
    ['shadow-banned', (user: string) => admin.request('POST', `/v1/users/${user}/shadow_ban`)],
    ['deactivated', (user: string) => admin.request('POST', `/v1/deactivate/${user}`)],
  ])('nobody is acted for who is %s', async (word, strike) => {
    await using connection = await connect(admin.token);
    const draft = await messageOf(`is-${word}`);
    expect(await connection.port.judgeSender(draft)).toBe(null);
    await strike(draft.sender);
    expect(await connection.port.judgeSender(draft)).toMatchObject({
      ...{ status: 403, errcode: 'M_FORBIDDEN' },
      error: expect.stringContaining(word),
    });
    expect(connection.troubles).toEqual([]);
  });

  it('who is suspended may still leave, and nothing else', async () => {
    await using connection = await connect(admin.token);
    const { port } = connection;
    const draft = await messageOf('is-suspended');
    const { sender } = draft;
    await admin.request('PUT', `/v1/suspend/${sender}`, { suspend: true });
    expect(await port.judgeSender(draft)).toBe(null);
    expect(await port.deliver(draft, 'suspended-1', Date.now(), 30_000)).toMatchObject({
      ...{ kind: 'refused', error: { status: 403, errcode: 'M_USER_SUSPENDED' } },
    });
    const content = { membership: 'leave' };
    const leave: Draft = { ...draft, type: 'm.room.member', stateKey: sender, content };
    expect(await port.judgeSender(leave)).toBe(null);
    expect(await port.deliver(leave, 'suspended-2', Date.now(), 30_000)).toMatchObject({ kind: 'accepted' });
  });

  it('there is no acting for who has no account', async () => {
    await using connection = await connect(admin.token);
    const draft = { ...(await messageOf('has-account')), sender: userId('nobody-at-all') };
    await expect(connection.port.judgeSender(draft)).rejects.toThrow('refuses the gateway');
  });
});

it('the token of nobody, or of no administrator, is told of; everything goes on as without', async () => {
  const member = await new ClientApi(url).register('no-admin');
  const draft = await messageOf('still-there');
  await admin.request('POST', `/v1/users/${draft.sender}/shadow_ban`);
  for (const token of ['of-nobody', member.token ?? '']) {
    await using connection = await connect(token);
    expect(await connection.port.judgeSender(draft)).toBe(null);
    expect(connection.troubles).toEqual([expect.stringContaining('--synapse-admin-token-file')]);
    expect(connection.troubles.join()).not.toContain(token);
  }
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import { SynapseAdmin } from '../synapse-admin.ts';
import { membership, message, userId, World } from './world.ts';

let world: World;
let admin: SynapseAdmin;
beforeAll(async () => {
  world = await World.start();
  admin = await SynapseAdmin.register(world.synapse, 'admin');
});
afterAll(() => world[Symbol.asyncDispose]());

const whoami = '/v3/account/whoami';
const send = (user: string, transaction: string) =>
  world.as(user, 'PUT', `${world.room}/send/m.room.message/${transaction}`, message('x'));

it('logged out: the token is unknown at once, the puppet goes on', async () => {
  const carol = await world.member('carol');
  expect((await carol.request('GET', whoami)).body).toMatchObject({
    user_id: userId('carol'),
    device_id: expect.any(String),
    is_guest: false,
  });
  await carol.request('POST', '/v3/logout', {});
  expect(await carol.request('GET', whoami)).toEqual({
    status: 401,
    body: { errcode: 'M_UNKNOWN_TOKEN', error: 'Invalid access token passed.', soft_logout: false },
  });
  expect((await send('carol', 'logged-out')).status).toBe(200);
});

it('suspended: only the sending of everything but a leave is refused', async () => {
  const dave = await world.member('dave');
  await admin.request('PUT', `/v1/suspend/${userId('dave')}`, { suspend: true });
  expect((await dave.request('GET', whoami)).status).toBe(200);
  expect((await world.as('dave', 'GET', whoami)).status).toBe(200);
  expect(await send('dave', 'suspended')).toMatchObject({
    status: 403,
    body: { errcode: 'M_USER_SUSPENDED' },
  });
  const leave = await world.as('dave', 'PUT', membership(world.room, 'dave'), { membership: 'leave' });
  expect(leave.status).toBe(200);
});

it('locked: the token is refused, the puppet is not', async () => {
  const erin = await world.member('erin');
  await admin.request('PUT', `/v2/users/${userId('erin')}`, { locked: true });
  expect(await erin.request('GET', whoami)).toMatchObject({
    status: 401,
    body: { errcode: 'M_USER_LOCKED', soft_logout: true },
  });
  expect((await world.as('erin', 'GET', whoami)).status).toBe(200);
  expect((await send('erin', 'locked')).status).toBe(200);
});

it('shadow-banned: what they send is seen by nobody, what the puppet sends as them is', async () => {
  const frank = await world.member('frank');
  await admin.request('POST', `/v1/users/${userId('frank')}/shadow_ban`);
  const own = await frank.request('PUT', `${world.room}/send/m.room.message/own`, message('x'));
  expect(own.status).toBe(200);
  expect((await world.event('alice', own.body.event_id)).status).toBe(404);
  const sent = await send('frank', 'shadow-banned');
  expect((await world.event('alice', sent.body.event_id)).status).toBe(200);
});

it('deactivated: they leave their rooms a little after the answer, and nothing else stops the puppet', async () => {
  const grace = await world.member('grace');
  await admin.request('POST', `/v1/deactivate/${userId('grace')}`);
  expect(await grace.request('GET', whoami)).toMatchObject({
    status: 401,
    body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false },
  });
  expect((await world.as('grace', 'GET', whoami)).status).toBe(200);
  await expect
    .poll(async () => (await world.as('grace', 'GET', '/v3/joined_rooms')).body.joined_rooms)
    .toEqual([]);
  expect((await send('grace', 'deactivated')).status).toBe(403);
  expect((await world.as('grace', 'POST', `${world.room}/join`, {})).status).toBe(200);
  expect((await send('grace', 'joined-again')).status).toBe(200);
});

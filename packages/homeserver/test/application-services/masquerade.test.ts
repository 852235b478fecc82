import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectOk, startServer, type TestServer, type User } from '../server/server.ts';
import { gatewayRegistrations, registration } from './service.ts';

let server: TestServer;
let alice: User;
let room: string;

beforeEach(async () => {
  server = await startServer({
    applicationServices: [registration(), ...gatewayRegistrations(null)],
    rateLimits: true,
  });
  alice = await server.user('alice');
  room = await alice.room();
});
afterEach(() => server[Symbol.asyncDispose]());

/** As the puppet; `as` is a user id, or null for a request that names nobody. */
function ask(method: 'GET' | 'PUT' | 'POST', as: string | null, path: string, body?: object) {
  const url = new URL(`http://x/_matrix/client/v3${path}`);
  if (as !== null) url.searchParams.set('user_id', as);
  return server.call(method, `${url.pathname}${url.search}`, {
    token: 'as-puppet',
    ...(body !== undefined && { body }),
  });
}
const whoami = (as: string | null, query = '') => ask('GET', as, `/account/whoami${query}`);
const text = { msgtype: 'm.text', body: 'hello' };
const sendPath = (txn: string, query = '') =>
  `/rooms/${encodeURIComponent(room)}/send/m.room.message/${txn}${query}`;

describe('who is asking', () => {
  test('a service that names nobody is its own user, who is there without being registered', async () => {
    expect((await whoami(null)).body).toEqual({ user_id: '@puppet:test', is_guest: false });
  });

  test('a service acts as a user of its namespace', async () => {
    expect((await whoami('@alice:test')).body).toEqual({ user_id: '@alice:test', is_guest: false });
    const event = expectOk(await ask('PUT', alice.id, sendPath('1'), text)).event_id;
    const seen = expectOk(await alice.get(`/rooms/${encodeURIComponent(room)}/event/${event}`));
    expect(seen).toMatchObject({ sender: '@alice:test', content: text });
  });

  test.each([
    ['@nobody:test', 'has not registered this user'],
    ['@alice:elsewhere', 'cannot masquerade as this user'],
    ['alice', 'cannot masquerade as this user'],
    ['', 'cannot masquerade as this user'],
  ])('a service cannot act as "%s"', async (user, why) => {
    expect(await whoami(user)).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN', error: expect.stringContaining(why) },
    });
  });

  test('a service cannot act as a user outside its namespaces', async () => {
    const answer = await server.call('GET', '/_matrix/client/v3/account/whoami?user_id=@alice:test', {
      token: 'as-bridge',
    });
    expect(answer).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  });

  test("a user's own token is that user whoever they name", async () => {
    const bob = await server.user('bob');
    expect((await bob.get('/account/whoami?user_id=@alice:test')).body.user_id).toBe('@bob:test');
  });

  test('a service is known for one, also with a device of the user', async () => {
    const query = {
      values: new Map([
        ['device_id', [alice.device]],
        ['user_id', [alice.id]],
      ]),
      malformed: false,
    };
    const asking = { headers: {}, query, address: '127.0.0.1' };
    const { authenticate } = server.homeserver;
    expect(await authenticate('as-puppet', asking)).toMatchObject({ device: alice.device, isService: true });
    expect(await authenticate(alice.token, asking)).not.toHaveProperty('isService');
  });

  test.each(['device_id', 'org.matrix.msc3202.device_id'])(
    'a service names a device of the user by %s',
    async (parameter) => {
      expect((await whoami(alice.id, `?${parameter}=${alice.device}`)).body).toMatchObject({
        device_id: alice.device,
      });
      expect(await whoami(alice.id, `?${parameter}=NOPE`)).toMatchObject({
        status: 400,
        body: { errcode: 'M_UNKNOWN_DEVICE' },
      });
    },
  );

  test('another token is unknown', async () => {
    const answer = await server.call('GET', '/_matrix/client/v3/account/whoami', { token: 'as-puppe' });
    expect(answer).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
  });

  test('a service may sync as a user', async () => {
    expect(expectOk(await ask('GET', alice.id, '/sync')).rooms.join).toHaveProperty([room]);
  });
});

describe('sending as a user', () => {
  test('the same transaction is the same event, for that user alone', async () => {
    const bob = await server.user('bob');
    await alice.post(`/rooms/${encodeURIComponent(room)}/invite`, { user_id: bob.id });
    await bob.join(room);
    const first = expectOk(await ask('PUT', alice.id, sendPath('1'), text)).event_id;
    expect(expectOk(await ask('PUT', alice.id, sendPath('1'), text)).event_id).toBe(first);
    expect(expectOk(await ask('PUT', bob.id, sendPath('1'), text)).event_id).not.toBe(first);
  });

  test('its transaction id is shown to the service as that user, and not to the user', async () => {
    const event = expectOk(await ask('PUT', alice.id, sendPath('mine'), text)).event_id;
    const path = `/rooms/${encodeURIComponent(room)}/event/${event}`;
    expect((await ask('GET', alice.id, path)).body.unsigned).toMatchObject({ transaction_id: 'mine' });
    expect((await alice.get(path)).body.unsigned).not.toHaveProperty('transaction_id');
  });

  test('ts dates messages and state of services, to the millisecond', async () => {
    const message = expectOk(await ask('PUT', alice.id, sendPath('1', '?ts=1234567890123'), text)).event_id;
    const statePath = `/rooms/${encodeURIComponent(room)}/state/m.room.topic/?ts=1234567890124`;
    const state = expectOk(await ask('PUT', alice.id, statePath, { topic: 'x' })).event_id;
    const dates = await Promise.all(
      [message, state].map((id) => alice.get(`/rooms/${encodeURIComponent(room)}/event/${id}`)),
    );
    expect(dates.map(({ body }) => body.origin_server_ts)).toEqual([1234567890123, 1234567890124]);
    expect(await ask('PUT', alice.id, sendPath('2', '?ts=soon'), text)).toMatchObject({
      status: 400,
      body: { errcode: 'M_INVALID_PARAM' },
    });
  });

  test('ts of anybody else is ignored', async () => {
    const event = expectOk(await alice.put(sendPath('1', '?ts=soon'), text)).event_id;
    const seen = expectOk(await alice.get(`/rooms/${encodeURIComponent(room)}/event/${event}`));
    expect(seen.origin_server_ts).toBe(server.time.wall());
  });

  test('rate_limited: false lifts the limit of messages', async () => {
    const sends = Array.from({ length: 300 }, (_, index) => index);
    const statuses = async (send: (index: number) => Promise<{ status: number }>) =>
      new Set((await Promise.all(sends.map(send))).map(({ status }) => status));
    expect(await statuses((index) => ask('PUT', alice.id, sendPath(`p${index}`), text))).toEqual(
      new Set([200]),
    );
    expect(await statuses((index) => alice.put(sendPath(`a${index}`), text))).toContain(429);
  });
});

describe('registering users', () => {
  const register = (token: string | null, body: object) =>
    server.call('POST', '/_matrix/client/v3/register', { body, ...(token !== null && { token }) });
  const asService = { type: 'm.login.application_service', username: '_bridge_carol' };

  test('a service registers a user of its namespace, with or without a login', async () => {
    const login = expectOk(await register('as-bridge', asService));
    expect(login).toMatchObject({ user_id: '@_bridge_carol:test', access_token: expect.any(String) });
    const dave = { ...asService, username: '_bridge_dave', inhibit_login: true };
    expect(expectOk(await register('as-bridge', dave))).not.toHaveProperty('access_token');
    expect((await register('as-bridge', dave)).body.errcode).toBe('M_USER_IN_USE');
  });

  test('a service registers nobody outside its namespaces', async () => {
    const answer = await register('as-bridge', { ...asService, username: 'mallory' });
    expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_EXCLUSIVE' } });
  });

  test('nobody else registers in an exclusive namespace', async () => {
    const dummy = { auth: { type: 'm.login.dummy' }, username: '_bridge_eve' };
    expect((await register(null, dummy)).body.errcode).toBe('M_EXCLUSIVE');
    expect((await register('as-puppet', { ...asService, username: '_bridge_eve' })).body.errcode).toBe(
      'M_EXCLUSIVE',
    );
    const available = '/_matrix/client/v3/register/available?username=_bridge_eve';
    expect((await server.call('GET', available)).body.errcode).toBe('M_EXCLUSIVE');
  });

  test('what services may takes the token of one', async () => {
    const url = '/_matrix/client/v3/register';
    const anonymous = await server.http.inject({ method: 'POST', url, payload: asService });
    expect(anonymous.json()).toMatchObject({ errcode: 'M_MISSING_TOKEN' });
    expect(await register(alice.token, asService)).toMatchObject({ status: 403 });
  });
});

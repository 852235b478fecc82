import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectOk, startServer, type TestServer } from '../server/server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startServer({ registrationSharedSecret: 'shared' });
});
afterEach(() => server[Symbol.asyncDispose]());

const dummy = { auth: { type: 'm.login.dummy' } };
const register = (body: object, query = '') =>
  server.call('POST', `/_matrix/client/v3/register${query}`, { body });

describe('registering', () => {
  test('without anything answers what to prove', async () => {
    const answer = await server.call('POST', '/_matrix/client/v3/register');
    expect(answer).toMatchObject({
      status: 401,
      body: { flows: [{ stages: ['m.login.dummy'] }], params: {}, session: expect.any(String) },
    });
    expect(answer.body).not.toHaveProperty('errcode');
  });

  test('with the session and the dummy stage makes an account and logs in', async () => {
    const { session } = (await register({ username: 'alice' })).body;
    const login = expectOk(await register({ auth: { type: 'm.login.dummy', session }, username: 'alice' }));
    expect(login).toMatchObject({ user_id: '@alice:test', device_id: expect.stringMatching(/^[A-Z]{10}$/) });
    const whoami = await server.call('GET', '/_matrix/client/v3/account/whoami', {
      token: login.access_token,
    });
    expect(whoami.body).toEqual({ user_id: '@alice:test', device_id: login.device_id, is_guest: false });
  });

  test('names the device as asked, or logs nobody in', async () => {
    const named = await register({
      ...dummy,
      username: 'a',
      device_id: 'D',
      initial_device_display_name: 'Phone',
    });
    expect(named.body.device_id).toBe('D');
    const devices = await server.call('GET', '/_matrix/client/v3/devices', {
      token: named.body.access_token,
    });
    expect(devices.body).toEqual({ devices: [{ device_id: 'D', display_name: 'Phone' }] });
    const quiet = expectOk(await register({ ...dummy, username: 'b', inhibit_login: true }));
    expect(quiet).not.toHaveProperty('access_token');
  });

  test('without a name gets one', async () => {
    expect(expectOk(await register(dummy)).user_id).toMatch(/^@[0-9a-f]{16}:test$/);
  });

  test('a name that is taken is refused, before anything is to be proved', async () => {
    await server.user('alice');
    const available = (name: string) =>
      server.call('GET', `/_matrix/client/v3/register/available?username=${name}`);
    expect((await register({ username: 'alice' })).body.errcode).toBe('M_USER_IN_USE');
    expect((await available('alice')).body.errcode).toBe('M_USER_IN_USE');
    expect((await available('bob')).body).toEqual({ available: true });
    expect((await available('')).body.errcode).toBe('M_INVALID_USERNAME');
  });

  test('the same name twice at the same moment makes one account', async () => {
    const both = [1, 2].map(() => register({ ...dummy, username: 'alice', password: 'secret' }));
    const statuses = (await Promise.all(both)).map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([200, 400]);
  });

  test.each(['Alice', 'al ice', 'älice', '@alice:test', 'a:b', 'a'.repeat(250)])(
    'the name "%s" is refused',
    async (username) => {
      expect(await register({ ...dummy, username })).toMatchObject({
        status: 400,
        body: { errcode: 'M_INVALID_USERNAME' },
      });
    },
  );

  test('an empty password is too weak, one of 513 characters too long', async () => {
    for (const password of ['', 'x'.repeat(513)]) {
      expect((await register({ ...dummy, username: 'a', password })).body.errcode).toBe('M_WEAK_PASSWORD');
    }
  });

  test('as a guest is refused', async () => {
    expect((await register({}, '?kind=guest')).status).toBe(403);
  });

  test('is closed unless the server is told to open it', async () => {
    await using closed = await startServer({ openRegistration: false });
    const body = { ...dummy, username: 'alice' };
    expect(await closed.call('POST', '/_matrix/client/v3/register', { body })).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN' },
    });
    const path = '/_matrix/client/v3/register/available?username=alice';
    expect((await closed.call('GET', path)).status).toBe(403);
    expect((await closed.call('GET', '/_synapse/admin/v1/register')).status).toBe(404);
  });
});

describe('registering by shared secret', () => {
  const path = '/_synapse/admin/v1/register';
  const nonce = async () => expectOk(await server.call('GET', path)).nonce as string;
  const mac = (parts: string[], secret = 'shared') =>
    createHmac('sha1', secret).update(parts.join('\0')).digest('hex');
  const post = (body: object) => server.call('POST', path, { body });
  const alice = { username: 'alice', password: 'secret' };

  test('works where the mac is right, and the account can log in', async () => {
    const n = await nonce();
    const login = expectOk(await post({ nonce: n, ...alice, mac: mac([n, 'alice', 'secret', 'notadmin']) }));
    expect(login.user_id).toBe('@alice:test');
    await server.login('alice', 'secret');
  });

  test('counts admin and the kind of user into the mac', async () => {
    const n = await nonce();
    const parts = [n, 'alice', 'secret', 'admin', 'bot'];
    const answer = await post({ nonce: n, ...alice, admin: true, user_type: 'bot', mac: mac(parts) });
    expect(answer.status).toBe(200);
  });

  test('needs the secret, and a nonce that was given out, is fresh and was not used', async () => {
    const n = await nonce();
    const right = (of: string) => ({ nonce: of, ...alice, mac: mac([of, 'alice', 'secret', 'notadmin']) });
    const wrong = mac([n, 'alice', 'secret', 'notadmin'], 'other');
    expect((await post({ nonce: n, ...alice, mac: wrong })).status).toBe(403);
    expect((await post(right(n))).status).toBe(400);
    expect((await post(right('x'))).status).toBe(400);
    const old = await nonce();
    server.time.advance(60_001);
    expect((await post(right(old))).status).toBe(400);
    expect((await post({ ...right(await nonce()), mac: 'zz' })).status).toBe(403);
  });
});

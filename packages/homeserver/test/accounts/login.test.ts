import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectOk, startServer, type TestServer, type User } from '../server/server.ts';

let server: TestServer;
let alice: User;
beforeEach(async () => {
  server = await startServer();
  alice = await server.user('alice', 'secret');
});
afterEach(() => server[Symbol.asyncDispose]());

const v3 = '/_matrix/client/v3';
const login = (body: object) =>
  server.call('POST', `${v3}/login`, { body: { type: 'm.login.password', ...body } });
const identified = (user: string, password = 'secret') => ({
  identifier: { type: 'm.id.user', user },
  password,
});
const whoami = (token: string) => server.call('GET', `${v3}/account/whoami`, { token });
const auth = (password = 'secret') => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user: 'alice' },
  password,
});

describe('logging in', () => {
  test('is offered by password', async () => {
    expect((await server.call('GET', `${v3}/login`)).body).toEqual({ flows: [{ type: 'm.login.password' }] });
  });

  test.each([
    ['the name', identified('alice')],
    ['the whole id', identified('@alice:test')],
    ['the deprecated member', { user: 'alice', password: 'secret' }],
  ])('works by %s', async (_what, body) => {
    const { access_token: token, user_id: user } = expectOk(await login(body));
    expect(user).toBe('@alice:test');
    expect((await whoami(token)).status).toBe(200);
  });

  test.each([
    ['a wrong password', identified('alice', 'wrong'), 403, 'M_FORBIDDEN'],
    ['nobody', identified('nobody'), 403, 'M_FORBIDDEN'],
    ['an account without a password', identified('bob'), 403, 'M_FORBIDDEN'],
    ['a user of another server', identified('@alice:elsewhere'), 403, 'M_FORBIDDEN'],
    ['no password', { identifier: { type: 'm.id.user', user: 'alice' } }, 400, 'M_MISSING_PARAM'],
    ['no user', { password: 'secret' }, 400, 'M_MISSING_PARAM'],
    ['another way', { type: 'm.login.token', token: 'x' }, 400, 'M_UNKNOWN'],
    ['an e-mail address', { identifier: { type: 'm.id.thirdparty' }, password: 'x' }, 400, 'M_UNKNOWN'],
  ])('with %s is refused', async (_what, body, status, errcode) => {
    await server.user('bob');
    expect(await login(body)).toMatchObject({ status, body: { errcode } });
  });

  test('a wrong password and an unknown user are answered alike', async () => {
    expect((await login(identified('alice', 'wrong'))).body).toEqual(
      (await login(identified('nobody'))).body,
    );
  });

  test('again on a device ends its former login and keeps its name', async () => {
    const first = expectOk(
      await login({ ...identified('alice'), device_id: 'D', initial_device_display_name: 'Phone' }),
    );
    const second = expectOk(await login({ ...identified('alice'), device_id: 'D' }));
    expect((await whoami(first.access_token)).body.errcode).toBe('M_UNKNOWN_TOKEN');
    expect((await whoami(second.access_token)).body.device_id).toBe('D');
    expect((await alice.get('/devices/D')).body).toEqual({ device_id: 'D', display_name: 'Phone' });
  });

  test('is limited by user, and the limit wears off', async () => {
    await using limited = await startServer({ rateLimits: true });
    await limited.user('alice', 'secret');
    const attempt = (password: string) =>
      limited.call('POST', `${v3}/login`, {
        body: { type: 'm.login.password', ...identified('alice', password) },
      });
    let answer = await attempt('wrong');
    while (answer.status === 403) answer = await attempt('wrong');
    expect(answer).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } });
    expect((await attempt('secret')).status).toBe(429);
    limited.time.advance(answer.body.retry_after_ms);
    expect((await attempt('secret')).status).toBe(200);
  });
});

describe('a token', () => {
  test('is not in the database, nor is the password', async () => {
    const dump = JSON.stringify([
      server.database.connection.prepare('SELECT * FROM access_token').all(),
      server.database.connection.prepare('SELECT * FROM account').all(),
    ]);
    expect(dump).toContain('@alice:test');
    expect(dump).not.toContain(alice.token);
    expect(dump).not.toContain('secret');
    expect(dump).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
  });

  test('that is unknown is 401, and so is none', async () => {
    expect((await whoami('x')).body.errcode).toBe('M_UNKNOWN_TOKEN');
    expect((await server.call('GET', `${v3}/account/whoami`)).body.errcode).toBe('M_MISSING_TOKEN');
  });

  test('is void after logging out, and its device gone', async () => {
    const phone = await server.login('alice', 'secret', 'PHONE');
    expectOk(await phone.post('/logout'));
    expect((await whoami(phone.token)).body.errcode).toBe('M_UNKNOWN_TOKEN');
    expect((await alice.get('/devices/PHONE')).body.errcode).toBe('M_NOT_FOUND');
    expect((await whoami(alice.token)).status).toBe(200);
  });

  test('is void on all devices after logging out everywhere', async () => {
    const phone = await server.login('alice', 'secret', 'PHONE');
    expectOk(await phone.post('/logout/all'));
    for (const { token } of [alice, phone]) expect((await whoami(token)).status).toBe(401);
  });
});

describe('devices', () => {
  let phone: User;
  beforeEach(async () => {
    phone = await server.login('alice', 'secret', 'PHONE');
  });

  test('can be listed, read and named', async () => {
    expect((await alice.get('/devices')).body.devices).toHaveLength(2);
    expectOk(await alice.put('/devices/PHONE', { display_name: 'My phone' }));
    expect((await alice.get('/devices/PHONE')).body).toEqual({
      device_id: 'PHONE',
      display_name: 'My phone',
    });
    expect((await alice.put('/devices/NONE', { display_name: 'x' })).body.errcode).toBe('M_NOT_FOUND');
    expect((await alice.get('/devices/NONE')).body.errcode).toBe('M_NOT_FOUND');
  });

  test.each([
    ['DELETE', () => (body: object) => alice.delete('/devices/PHONE', body)],
    ['POST', () => (body: object) => alice.post('/delete_devices', { devices: ['PHONE'], ...body })],
  ])('can be deleted by %s, for the password', async (_method, make) => {
    const remove = make();
    const asked = await remove({});
    expect(asked).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.password'] }] } });
    expect((await remove({ auth: auth('wrong') })).body.errcode).toBe('M_FORBIDDEN');
    expect(
      (await remove({ auth: { ...auth(), identifier: { type: 'm.id.user', user: 'bob' } } })).status,
    ).toBe(401);
    expect((await whoami(phone.token)).status).toBe(200);
    expectOk(await remove({ auth: { ...auth(), session: asked.body.session } }));
    expect((await whoami(phone.token)).status).toBe(401);
  });
});

describe('changing the password', () => {
  test('needs the old one, and ends the other logins', async () => {
    const phone = await server.login('alice', 'secret');
    const change = (body: object) => alice.post('/account/password', { new_password: 'better', ...body });
    expect((await change({})).status).toBe(401);
    expect((await change({ auth: auth('wrong') })).status).toBe(401);
    expectOk(await change({ auth: auth() }));
    expect((await login(identified('alice'))).status).toBe(403);
    await server.login('alice', 'better');
    expect((await whoami(phone.token)).status).toBe(401);
    expect((await whoami(alice.token)).status).toBe(200);
  });

  test('keeps the other logins where that is asked for', async () => {
    const phone = await server.login('alice', 'secret');
    expectOk(
      await alice.post('/account/password', { new_password: 'better', logout_devices: false, auth: auth() }),
    );
    expect((await whoami(phone.token)).status).toBe(200);
  });
});

describe('deactivating', () => {
  test('needs the password, tells who listens, ends all logins and leaves all rooms', async () => {
    const bob = await server.user('bob');
    const room = await bob.room({ preset: 'public_chat' });
    const invitedTo = await bob.room({ invite: [alice.id] });
    await alice.join(room);
    const heard: string[] = [];
    server.homeserver.onDeactivated((user) => heard.push(user));
    expect((await alice.post('/account/deactivate', {})).status).toBe(401);
    expect(heard).toEqual([]);
    expect(expectOk(await alice.post('/account/deactivate', { auth: auth() }))).toEqual({
      id_server_unbind_result: 'no-support',
    });
    expect(heard).toEqual([alice.id]);
    expect((await whoami(alice.token)).status).toBe(401);
    expect((await login(identified('alice'))).body.errcode).toBe('M_USER_DEACTIVATED');
    for (const id of [room, invitedTo]) {
      const path = `/rooms/${encodeURIComponent(id)}/state/m.room.member/${encodeURIComponent(alice.id)}`;
      expect((await bob.get(path)).body.membership).toBe('leave');
    }
  });

  test('keeps the name taken for good', async () => {
    await alice.post('/account/deactivate', { auth: auth() });
    const path = `${v3}/register/available?username=alice`;
    expect((await server.call('GET', path)).body.errcode).toBe('M_USER_IN_USE');
  });

  test('is undone as a whole when who listens cannot follow', async () => {
    server.homeserver.onDeactivated(() => {
      throw new Error('no');
    });
    expect((await alice.post('/account/deactivate', { auth: auth() })).status).toBe(500);
    expect((await whoami(alice.token)).status).toBe(200);
    await server.login('alice', 'secret');
  });
});

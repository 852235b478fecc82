import type { Draft } from '@matrix-futures/engine';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectOk, startServer, type Reply, type TestServer, type User } from '../server/server.ts';

let server: TestServer;
let ann: User;
let ben: User;
let room: string;
beforeEach(async () => {
  server = await startServer({ rateLimits: true });
  ann = await server.user('ann', 'secret');
  ben = await server.user('ben');
  room = await ann.room({ preset: 'public_chat' });
  await ben.join(room);
});
afterEach(() => server[Symbol.asyncDispose]());

const at = (path: string) => `/rooms/${encodeURIComponent(room)}${path}`;
const v3 = '/_matrix/client/v3';
let names = 0;
const fresh = () => `n${(names += 1)}`;
const message = { msgtype: 'm.text', body: 'x' };
const draft = (sender: User): Draft => ({
  ...{ room, sender: sender.id, type: 'm.room.message', stateKey: null },
  ...{ content: message, extras: {} },
});

/** Does it until it is refused, and answers how often it went well. The refusal is one that clients can wait by. */
async function untilRefused(act: () => Promise<Reply>): Promise<{ passed: number; wait: number }> {
  for (let passed = 0; ; passed += 1) {
    const { status, body, headers } = await act();
    if (status === 429) {
      expect(body).toMatchObject({ errcode: 'M_LIMIT_EXCEEDED', error: expect.any(String) });
      expect(body.retry_after_ms).toBeGreaterThan(0);
      expect(headers['retry-after']).toBe(String(Math.ceil(body.retry_after_ms / 1_000)));
      return { passed, wait: body.retry_after_ms };
    }
    expect(status).toBeLessThan(300);
    expect(passed).toBeLessThan(1_000);
  }
}

describe("what a user sends counts together, and against nobody else's", () => {
  const sends: Record<string, (user: User) => Promise<Reply>> = {
    send: (user) => user.put(at(`/send/m.room.message/${fresh()}`), message),
    state: (user) => user.put(at('/state/m.room.topic'), { topic: fresh() }),
    redact: async (user) => user.put(at(`/redact/${encodeURIComponent('$none')}/${fresh()}`)),
    createRoom: (user) => user.post('/createRoom'),
    join: (user) => user.post(`/join/${encodeURIComponent(room)}`),
    invite: (user) => user.post(at('/invite'), { user_id: '@ben:test' }),
    ban: (user) => user.post(at('/ban'), { user_id: '@nobody:test' }),
  };

  test('by every endpoint that sends', async () => {
    const say = sends['send'] ?? (() => Promise.reject(new Error('none')));
    const { passed, wait } = await untilRefused(() => say(ann));
    // The room and what made it were two.
    expect(passed).toBeGreaterThanOrEqual(198);
    for (const [name, act] of Object.entries(sends))
      expect([name, (await act(ann)).status]).toEqual([name, 429]);
    expectOk(await say(ben));
    server.time.advance(wait);
    expectOk(await say(ann));
  });

  test('but one may always leave', async () => {
    await untilRefused(() => ben.put(at(`/send/m.x/${fresh()}`)));
    expectOk(await ben.post(at('/leave')));
  });
});

test('what a future sends is neither limited nor counted', async () => {
  const append = (sender: User) =>
    server.database.turn.unit(() => server.homeserver.port.append(draft(sender), server.time.wall()));
  for (let count = 0; count < 250; count += 1) expect((await append(ben)).kind).toBe('accepted');
  const { passed } = await untilRefused(() => ben.put(at(`/send/m.room.message/${fresh()}`), message));
  expect(passed).toBeGreaterThanOrEqual(199);
  expect((await append(ben)).kind).toBe('accepted');
});

test('what is sent another way at once is counted with the rest', async () => {
  const { plain } = server.homeserver;
  const requester = { user: ben.id, device: ben.device, isGuest: false, accessToken: ben.token };
  for (let count = 0; count < 100; count += 1) plain.countEvent(requester);
  const { passed } = await untilRefused(() => ben.put(at(`/send/m.room.message/${fresh()}`), message));
  // The join was one, too.
  expect(passed).toBe(99);
  expect(() => plain.countEvent(requester)).toThrow('Too many requests');
});

describe('by address are limited', () => {
  const from = async (address: string, path: string, payload: object | null): Promise<Reply> => {
    const { statusCode, headers, ...response } = await server.http.inject({
      method: payload === null ? 'GET' : 'POST',
      url: v3 + path,
      remoteAddress: address,
      ...(payload !== null && { payload }),
    });
    return { status: statusCode, headers, body: response.json() };
  };
  const register = (address: string) =>
    from(address, '/register', { auth: { type: 'm.login.dummy' }, username: fresh() });
  const login = (address: string) =>
    from(address, '/login', { type: 'm.login.password', user: 'ann', password: 'secret' });

  test('new accounts', async () => {
    const { passed, wait } = await untilRefused(() => register('192.0.2.1'));
    expect(passed).toBe(60);
    expect((await register('192.0.2.2')).status).toBe(200);
    server.time.advance(wait);
    expect((await register('192.0.2.1')).status).toBe(200);
  });

  test('looking for user names, and with it logging in', async () => {
    await untilRefused(() => from('192.0.2.1', `/register/available?username=${fresh()}`, null));
    expect((await login('192.0.2.1')).status).toBe(429);
    expect((await login('192.0.2.2')).status).toBe(200);
  });
});

test('a password is tried ten times, whether to log in or to prove who one is, from any address', async () => {
  const auth = { type: 'm.login.password', password: 'wrong' };
  for (let count = 0; count < 10; count += 1)
    expect((await ann.delete(`/devices/${ann.device}`, { auth })).status).toBe(401);
  const { status, body, headers } = await ann.delete(`/devices/${ann.device}`, { auth });
  expect([status, body.retry_after_ms, headers['retry-after']]).toEqual([429, 5_000, '5']);
  await expect(server.login('ann', 'secret')).rejects.toThrow('429');
  server.time.advance(5_000);
  await server.login('ann', 'secret');
});

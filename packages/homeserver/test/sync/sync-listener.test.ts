import { once } from 'node:events';
import { createConnection } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectOk, startServer, type TestServer, type User } from '../server/server.ts';

let server: TestServer;
let ann: User;
let ben: User;
let room: string;
/** What a listener has heard, in order: `+` a sync of that device began, `-` it is over. */
let heard: string[];
/** Called when the listener hears something. */
let wake = () => {};
beforeEach(async () => {
  server = await startServer();
  ann = await server.user('ann', 'secret');
  ben = await server.user('ben', 'secret');
  room = await ann.room({ preset: 'public_chat' });
  await ben.join(room);
  heard = [];
  const hear = (what: string) => {
    heard.push(what);
    wake();
  };
  server.homeserver.onSync((user, device) => {
    hear(`+ ${user} ${device}`);
    return () => hear(`- ${user} ${device}`);
  });
});
afterEach(() => server[Symbol.asyncDispose]());

const begun = (user: User) => `+ ${user.id} ${user.device}`;
const over = (user: User) => `- ${user.id} ${user.device}`;

/** Resolves when the listener hears something next. */
function heardNext(): Promise<void> {
  return new Promise((resolve) => (wake = resolve));
}

/** Lets everything run that does not wait for time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A long poll that waits. */
async function poll(user: User) {
  const since = expectOk(await user.get('/sync')).next_batch;
  heard = [];
  const answer = user.get(`/sync?since=${since}&timeout=30000`);
  await settle();
  expect(heard).toEqual([begun(user)]);
  return { answer };
}

describe('a device is syncing from when its request is there', () => {
  test('to the answer, where there is something to tell', async () => {
    expectOk(await ben.get('/sync'));
    expect(heard).toEqual([begun(ben), over(ben)]);
  });

  test('to the end of the poll, where nothing happens', async () => {
    const { answer } = await poll(ben);
    server.time.advance(29_999);
    await settle();
    expect(heard).toEqual([begun(ben)]);
    server.time.advance(1);
    expectOk(await answer);
    expect(heard).toEqual([begun(ben), over(ben)]);
  });

  test('to the answer of the poll, and not to a wake-up that has nothing for it', async () => {
    const { answer } = await poll(ben);
    const path = `/rooms/${encodeURIComponent(room)}/receipt/m.read.private/`;
    const event = expectOk(await ann.get(`/rooms/${encodeURIComponent(room)}/messages?dir=b`)).chunk[0];
    expectOk(await ann.post(path + encodeURIComponent(event.event_id)));
    await settle();
    expect(heard).toEqual([begun(ben)]);
    await ann.say(room, 'hello');
    expectOk(await answer);
    expect(heard).toEqual([begun(ben), over(ben)]);
  });

  test('to the moment its connection closes: a client that dies in a long poll is not waited for', async () => {
    const since = expectOk(await ben.get('/sync')).next_batch;
    heard = [];
    const { host, port } = await server.http.listen('127.0.0.1', 0);
    const socket = createConnection({ host, port });
    await once(socket, 'connect');
    const began = heardNext();
    socket.write(
      `GET /_matrix/client/v3/sync?since=${since}&timeout=30000 HTTP/1.1\r\nHost: x\r\n` +
        `Authorization: Bearer ${ben.token}\r\n\r\n`,
    );
    await began;
    await settle();
    expect(heard).toEqual([begun(ben)]);
    const ended = heardNext();
    socket.destroy();
    await ended;
    expect(heard).toEqual([begun(ben), over(ben)]);
  });

  test('to the answer that a server gives which is about to stop', async () => {
    const { answer } = await poll(ben);
    server.homeserver.endPolls();
    expectOk(await answer);
    expect(heard).toEqual([begun(ben), over(ben)]);
  });

  test('to its logging out, also by another device', async () => {
    const phone = await server.login('ben', 'secret', 'PHONE');
    const { answer } = await poll(phone);
    const auth = { type: 'm.login.password', password: 'secret' };
    expectOk(await ben.delete('/devices/PHONE', { auth }));
    expect((await answer).body).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN', soft_logout: false });
    expect(heard).toEqual([begun(phone), over(phone)]);
  });
});

describe('a request that is no sync', () => {
  test.each([
    ['a filter that is none', '/sync?filter=x', 400],
    ['a token that is none', '/sync?since=x', 400],
    ['a time-out that is none', '/sync?timeout=x', 400],
    ['something else', '/account/whoami', 200],
  ])('tells of no device: %s', async (_what, path, status) => {
    expect((await ben.get(path)).status).toBe(status);
    expect(heard).toEqual([]);
  });
});

test('a sync that finds the database broken is over, too', async () => {
  server.database.connection.exec('ALTER TABLE account_data RENAME TO gone');
  expect((await ben.get('/sync')).status).toBe(500);
  expect(heard).toEqual([begun(ben), over(ben)]);
});

test('each device is told of by itself', async () => {
  const phone = await server.login('ben', 'secret', 'PHONE');
  const { answer } = await poll(phone);
  expectOk(await ben.get('/sync'));
  expect(heard).toEqual([begun(phone), begun(ben), over(ben)]);
  await ann.say(room, 'hello');
  await answer;
});

test('syncing writes nothing', async () => {
  const changes = () => server.database.connection.prepare('SELECT total_changes() AS n').get();
  const before = changes();
  for (let n = 0; n < 3; n += 1) expectOk(await ben.get('/sync'));
  expect(changes()).toEqual(before);
});

describe('a long poll of a device that is logged out meanwhile', () => {
  const messages = async (user: User) => {
    const { answer } = await poll(user);
    return { tells: async () => (await answer).body.errcode ?? 'everything' };
  };

  test.each<[string, (phone: User) => Promise<unknown>]>([
    ['by itself', (phone) => phone.post('/logout')],
    ['by logging out everywhere', () => ben.post('/logout/all')],
    ['by a new login on the device', () => server.login('ben', 'secret', 'PHONE')],
    [
      'by a new password',
      () =>
        ben.post('/account/password', {
          new_password: 'other secret',
          auth: { type: 'm.login.password', password: 'secret' },
        }),
    ],
    [
      'by the end of the account',
      () => ben.post('/account/deactivate', { auth: { type: 'm.login.password', password: 'secret' } }),
    ],
  ])('is told so and nothing else: %s', async (_how, logOut) => {
    const phone = await server.login('ben', 'secret', 'PHONE');
    const { tells } = await messages(phone);
    await logOut(phone);
    await ann.say(room, 'a secret');
    expect(await tells()).toBe('M_UNKNOWN_TOKEN');
  });

  test("leaves the polls of the user's other devices waiting", async () => {
    const phone = await server.login('ben', 'secret', 'PHONE');
    const { tells } = await messages(ben);
    expectOk(await phone.post('/logout'));
    await settle();
    expect(heard).toEqual([begun(ben)]);
    await ann.say(room, 'hello');
    expect(await tells()).toBe('everything');
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../src/config/config.ts';
import { readSources } from '../src/config/sources.ts';
import { startServer, type RunningServer } from '../src/server.ts';

// The packages as they are wired: what accounts, syncs and futures have to do with one another.

let directory: string;
let server: RunningServer;
let alice: Client;
let bob: Client;
let room: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'server-'));
  const argv = ['--listen', '127.0.0.1:0', '--data-dir', directory, '--open-registration'];
  const sources = await readSources(argv, {}, () => Promise.reject(new Error('no file')));
  server = await startServer(parseConfig(sources), pino({ level: 'silent' }));
  alice = await register('alice');
  bob = await register('bob');
  room = await alice.ok('POST', '/v3/createRoom', { preset: 'public_chat' }).then((body) => body.room_id);
  await bob.ok('POST', `/v3/join/${encodeURIComponent(room)}`, {});
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

interface Client {
  readonly id: string;
  readonly device: string;
  readonly token: string;
  call(method: string, path: string, body?: object): Promise<{ status: number; body: any }>;
  ok(method: string, path: string, body?: object): Promise<any>;
}

function clientOf({ user_id, device_id, access_token }: any): Client {
  const call: Client['call'] = async (method, path, body) => {
    const response = await fetch(`${server.url}/_matrix/client${path}`, {
      method,
      headers: access_token === undefined ? {} : { authorization: `Bearer ${access_token}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  return {
    id: user_id,
    device: device_id,
    token: access_token,
    call,
    async ok(method, path, body) {
      const answer = await call(method, path, body);
      expect(answer).toMatchObject({ status: 200 });
      return answer.body;
    },
  };
}

const nobody = () => clientOf({});
const password = 'correct horse';
const proof = { auth: { type: 'm.login.password', password } };
const register = async (username: string) =>
  clientOf(
    await nobody().ok('POST', '/v3/register', { username, password, auth: { type: 'm.login.dummy' } }),
  );
const login = async (user: string) =>
  clientOf(
    await nobody().ok('POST', '/v3/login', {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user },
      password,
    }),
  );

let transactions = 0;
const sendPath = (endpoint: string, query: string) =>
  `/v3/rooms/${encodeURIComponent(room)}/${endpoint}/m.room.message/${(transactions += 1)}?${query}`;
const text = (body: string) => ({ msgtype: 'm.text', body });
const sendLater = (by: Client, body: string, timeout: number) =>
  by.ok('PUT', sendPath('send_future', `future_timeout=${timeout}`), text(body));
const delaySend = (by: Client, body: string, delay: number, query = '') =>
  by.ok('PUT', sendPath('send', `org.matrix.msc4140.delay=${delay}${query}`), text(body));

/** Syncs until a message with that text is there, and answers all messages that came until then. */
async function messagesUntil(client: Client, body: string): Promise<any[]> {
  const messages: any[] = [];
  let since = '';
  while (!messages.some(({ content }) => content.body === body)) {
    const answer = await client.ok('GET', `/v3/sync?timeout=10000${since}`);
    since = `&since=${answer.next_batch}`;
    const { events } = answer.rooms.join[room]?.timeline ?? { events: [] };
    messages.push(...events.filter(({ type }: any) => type === 'm.room.message'));
  }
  return messages;
}

describe('the futures of a device that', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['logs out', () => alice.ok('POST', '/v3/logout', {})],
    ['logs out everywhere', () => alice.ok('POST', '/v3/logout/all', {})],
    [
      'is deleted by another one',
      async () => (await login('alice')).ok('DELETE', `/v3/devices/${alice.device}`, proof),
    ],
  ])('%s are sent all the same, of every generation', async (_what, end) => {
    await sendLater(alice, 'a future', 400);
    await delaySend(alice, 'a delayed event', 500);
    await end();
    expect((await alice.call('GET', '/v3/account/whoami')).body.errcode).toBe('M_UNKNOWN_TOKEN');
    const messages = await messagesUntil(bob, 'a delayed event');
    expect(messages.map(({ content }) => content.body)).toEqual(['a future', 'a delayed event']);
  });

  it('logs out stay in the hands of their tokens', async () => {
    const { cancel_token: cancel } = await sendLater(alice, 'cancelled', 600_000);
    const { send_token: send } = await sendLater(alice, 'sent', 600_000);
    await alice.ok('POST', '/v3/logout', {});
    await nobody().ok('POST', `/v3/futures/${cancel}`);
    await nobody().ok('POST', `/v3/futures/${send}`);
    expect(await messagesUntil(bob, 'sent')).toHaveLength(1);
  });
});

it('the end of an account cancels all futures of the user at once, and those of nobody else', async () => {
  const { send_token: send, refresh_token: refresh } = await sendLater(alice, 'never', 5_000);
  const { delay_id: delay } = await delaySend(alice, 'never either', 5_000);
  await sendLater(bob, 'kept', 5_000);
  await alice.ok('POST', '/v3/account/deactivate', proof);
  for (const token of [send, refresh]) {
    expect(await nobody().call('POST', `/v3/futures/${token}`)).toMatchObject({
      status: 410,
      body: { errcode: 'M_NOT_FOUND' },
    });
  }
  const path = `/unstable/org.matrix.msc4140/delayed_events/${delay}/restart`;
  expect((await nobody().call('POST', path)).status).toBe(404);
  const messages = await messagesUntil(bob, 'kept');
  expect(messages.map(({ content }) => content.body)).toEqual(['kept']);
});

describe('a future whose heartbeat is the sync of its device', () => {
  const heartbeat = '&dev.matrix-futures.heartbeat=sync';
  const next = async (client: Client) => (await client.ok('GET', '/v3/sync')).next_batch;

  it('waits while a long poll is open, and a timeout longer', async () => {
    const since = await next(alice);
    // Open before there is a timer, and for longer than it. The poll would be answered sooner if the event came.
    const began = performance.now();
    const polling = alice.ok('GET', `/v3/sync?timeout=3000&since=${since}`);
    // Answered after the poll was taken in.
    await bob.ok('GET', '/versions');
    await delaySend(alice, 'gone', 1_000, heartbeat);
    expect((await polling).rooms.join).toEqual({});
    expect(performance.now() - began).toBeGreaterThanOrEqual(3_000);
    await messagesUntil(bob, 'gone');
    expect(performance.now() - began).toBeGreaterThanOrEqual(4_000);
  });

  it.each<[string, (hangUp: AbortController) => unknown]>([
    ['whose client dies in a long poll', (hangUp) => hangUp.abort()],
    ['that is logged out in a long poll', () => alice.ok('POST', '/v3/logout', {})],
  ])('is sent a timeout after the end of a device %s', async (_what, end) => {
    const since = await next(alice);
    await delaySend(alice, 'gone', 1_000, heartbeat);
    const hangUp = new AbortController();
    const poll = fetch(`${server.url}/_matrix/client/v3/sync?timeout=60000&since=${since}`, {
      headers: { authorization: `Bearer ${alice.token}` },
      signal: hangUp.signal,
    }).catch(() => null);
    // Answered after the poll was taken in.
    await bob.ok('GET', '/versions');
    await end(hangUp);
    await poll;
    await messagesUntil(bob, 'gone');
  });
});

it.each<[string, readonly string[], () => Promise<any>]>([
  ['by the delay parameter', ['org.matrix.msc4140.delay_id'], () => delaySend(alice, 'later', 300)],
  [
    'by the endpoint of delayed events',
    ['org.matrix.msc4140.delay_id', 'delay_id'],
    () => alice.ok('PUT', sendPath('delayed_event', ''), { delay_ms: 300, content: text('later') }),
  ],
])('an event delayed %s names its delay id to its sender alone', async (_how, names, schedule) => {
  const { delay_id: delay } = await schedule();
  const [mine] = await messagesUntil(alice, 'later');
  const shown = Object.entries(mine.unsigned).filter(([, value]) => value === delay);
  expect(shown.map(([name]) => name).toSorted()).toEqual(names.toSorted());
  const [theirs] = await messagesUntil(bob, 'later');
  expect(JSON.stringify(theirs)).not.toContain(delay);
});

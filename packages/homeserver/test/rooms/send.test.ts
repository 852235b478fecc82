import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startServer, type TestServer, type User } from '../server/server.ts';

let server: TestServer;
let alice: User;
let bob: User;
let room: string;
beforeEach(async () => {
  server = await startServer();
  alice = await server.user('alice', 'secret');
  bob = await server.user('bob');
  room = await alice.room({ preset: 'public_chat' });
});
afterEach(() => server[Symbol.asyncDispose]());

const message = { msgtype: 'm.text', body: 'hello' };
const at = (path: string, of = room) => `/rooms/${encodeURIComponent(of)}${path}`;
const chunk = async (user: User): Promise<{ event_id: string }[]> =>
  (await user.get(at('/messages?dir=b&limit=1000'))).body.chunk;

describe('sending an event', () => {
  test('makes it readable, under the same id, for everybody in the room', async () => {
    await bob.join(room);
    const sent = await alice.put(at('/send/m.room.message/1'), message);
    const read = await bob.get(at(`/event/${sent.body.event_id}`));
    expect(read.body).toMatchObject({
      event_id: sent.body.event_id,
      room_id: room,
      type: 'm.room.message',
      sender: '@alice:test',
      content: message,
      origin_server_ts: server.time.wall(),
    });
    expect(read.body).not.toHaveProperty('state_key');
  });

  test('works under r0 as under v3', async () => {
    const path = `/_matrix/client/r0${at('/send/m.room.message/1')}`;
    const sent = await server.call('PUT', path, { token: alice.token, body: message });
    expect(sent.status).toBe(200);
    expect((await alice.put(at('/send/m.room.message/1'), message)).body).toEqual(sent.body);
  });

  test('keeps keys like __proto__ and characters beyond the BMP as they are', async () => {
    const body = `{"msgtype":"m.text","body":"\\ud83d\\ude00","__proto__":{"a":1},"constructor":null}`;
    const { body: sent } = await alice.put(at('/send/m.room.message/1'), body);
    const { content } = (await alice.get(at(`/event/${sent.event_id}`))).body;
    expect(JSON.parse(JSON.stringify(content))).toEqual(JSON.parse(body));
    expect(Object.hasOwn(content, '__proto__')).toBe(true);
  });
});

describe('a transaction id', () => {
  test('that comes again answers the same event and sends nothing', async () => {
    const first = await alice.put(at('/send/m.room.message/1'), message);
    const before = await chunk(alice);
    const again = await alice.put(at('/send/m.room.message/1'), { ...message, body: 'other' });
    expect(again.body).toEqual(first.body);
    expect(await chunk(alice)).toEqual(before);
  });

  test('is answered before the body is looked at', async () => {
    const first = await alice.put(at('/send/m.room.message/1'), message);
    expect(await alice.put(at('/send/m.room.message/1'), 'no json')).toMatchObject({
      status: 200,
      body: first.body,
    });
  });

  test('counts once when two requests come at the same moment', async () => {
    const both = [
      alice.put(at('/send/m.room.message/1'), message),
      alice.put(at('/send/m.room.message/1'), message),
    ];
    const [one, other] = await Promise.all(both);
    expect(one?.body).toEqual(other?.body);
  });

  test('belongs to a device: another login of the same user sends its own event', async () => {
    const phone = await server.login('alice', 'secret');
    const first = await alice.put(at('/send/m.room.message/1'), message);
    const second = await phone.put(at('/send/m.room.message/1'), message);
    expect(second.body.event_id).not.toBe(first.body.event_id);
  });

  test('belongs to the path: room, type and operation tell apart', async () => {
    const other = await alice.room();
    const first = await alice.put(at('/send/m.room.message/1'), message);
    const ids = new Set([
      first.body.event_id,
      (await alice.put(at('/send/m.room.message/1', other), message)).body.event_id,
      (await alice.put(at('/send/m.other/1'), message)).body.event_id,
      (await alice.put(at(`/send/m.room.redaction/1`), { redacts: first.body.event_id })).body.event_id,
      (await alice.put(at(`/redact/${first.body.event_id}/1`))).body.event_id,
    ]);
    expect(ids.size).toBe(5);
    expect(ids).not.toContain(undefined);
  });

  test('of a request that was refused may be used again', async () => {
    expect((await bob.put(at('/send/m.room.message/1'), message)).status).toBe(403);
    await bob.join(room);
    expect((await bob.put(at('/send/m.room.message/1'), message)).status).toBe(200);
  });

  test('is shown in unsigned to the device that sent it, and to nobody else', async () => {
    await bob.join(room);
    const phone = await server.login('alice', 'secret');
    const { event_id: event } = (await alice.put(at('/send/m.room.message/t1'), message)).body;
    const seenBy = async (user: User) => (await user.get(at(`/event/${event}`))).body.unsigned;
    expect(await seenBy(alice)).toMatchObject({ transaction_id: 't1' });
    expect(await seenBy(phone)).not.toHaveProperty('transaction_id');
    expect(await seenBy(bob)).not.toHaveProperty('transaction_id');
  });
});

describe('refused', () => {
  const limit = 65_536;

  test.each([
    ['an m.room.message without a body', 'm.room.message', { msgtype: 'm.text' }, 400, 'M_BAD_JSON'],
    ['an m.room.message without a msgtype', 'm.room.message', { body: 'x' }, 400, 'M_BAD_JSON'],
    ['a fraction', 'm.other', { x: 1.5 }, 400, 'M_BAD_JSON'],
    ['a number beyond 2^53', 'm.other', { x: 2 ** 53 }, 400, 'M_BAD_JSON'],
    ['half of a surrogate pair', 'm.other', '{"x":"\\ud800"}', 400, 'M_BAD_JSON'],
    ['what is no JSON', 'm.other', '{', 400, 'M_NOT_JSON'],
    ['what is no object', 'm.other', '[]', 400, 'M_BAD_JSON'],
    ['a type of 256 bytes', 't'.repeat(256), {}, 413, 'M_TOO_LARGE'],
    ['a redaction that names no event', 'm.room.redaction', {}, 400, 'M_BAD_JSON'],
    ['an event that cannot fit', 'm.other', { x: 'x'.repeat(limit) }, 413, 'M_TOO_LARGE'],
  ])('is %s', async (_what, type, body, status, errcode) => {
    const before = await chunk(alice);
    const answer = await alice.put(at(`/send/${type}/1`), body);
    expect(answer).toMatchObject({ status, body: { errcode } });
    expect(await chunk(alice)).toEqual(before);
  });

  test('is an event a byte too large in its final form; one a byte smaller is not', async () => {
    const sizeOf = (x: number) => alice.put(at(`/send/m.other/${x}`), { x: 'x'.repeat(x) });
    let [fits, tooLarge] = [0, limit];
    while (tooLarge - fits > 1) {
      const middle = Math.floor((fits + tooLarge) / 2);
      if ((await sizeOf(middle)).status === 200) fits = middle;
      else tooLarge = middle;
    }
    const largest = server.database.connection.prepare('SELECT max(length(pdu)) AS size FROM event').get();
    expect(largest?.['size']).toBeLessThanOrEqual(limit);
    // Not many bytes are kept back for numbers and auth events that are longer elsewhere.
    expect(largest?.['size']).toBeGreaterThan(limit - 100);
    expect((await sizeOf(tooLarge)).body).toMatchObject({ errcode: 'M_TOO_LARGE' });
  });

  test('is who is not in the room, with one answer for rooms that do not exist', async () => {
    expect(await bob.put(at('/send/m.room.message/1'), message)).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN' },
    });
    expect(await bob.put(at('/send/m.room.message/1', '!nowhere'), message)).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN' },
    });
  });

  test('is who has left, and who was banned', async () => {
    await bob.join(room);
    await bob.post(at('/leave'));
    expect((await bob.put(at('/send/m.room.message/1'), message)).status).toBe(403);
    await alice.post(at('/ban'), { user_id: bob.id });
    expect((await bob.put(at('/send/m.room.message/2'), message)).status).toBe(403);
  });

  test('is what is no room id', async () => {
    for (const bad of ['room', '#room:test', '!', `!${'x'.repeat(255)}`]) {
      const answer = await alice.put(at('/send/m.room.message/1', bad), message);
      expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    }
  });

  test('is who has too little power', async () => {
    const announcements = await alice.room({
      preset: 'public_chat',
      power_level_content_override: { events_default: 50 },
    });
    await bob.join(announcements);
    expect(await bob.put(at('/send/m.room.message/1', announcements), message)).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN', error: expect.stringContaining('50') },
    });
  });
});

test('the limit on messages answers 429 with the time to wait, and not to repetitions', async () => {
  await using limited = await startServer({ rateLimits: true });
  const carol = await limited.user('carol');
  const own = await carol.room();
  const send = (n: number) => carol.put(at(`/send/m.room.message/${n}`, own), message);
  let sent = 0;
  let refused = await send(sent);
  while (refused.status === 200) refused = await send((sent += 1));
  expect(refused).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } });
  expect(refused.headers['retry-after']).toBe(String(Math.ceil(refused.body.retry_after_ms / 1000)));
  expect((await send(0)).status).toBe(200);
  limited.time.advance(refused.body.retry_after_ms);
  expect((await send(sent)).status).toBe(200);
});

describe('the duration that an event sticks', () => {
  const sticky = (duration: string) => `?org.matrix.msc4354.sticky_duration_ms=${duration}`;

  test.each([
    ['send', () => `/send/m.x/1${sticky('5000')}`],
    ['state', () => `/state/m.x/k${sticky('5000')}`],
  ])('is kept by %s', async (_what, path) => {
    const { event_id: event } = (await alice.put(at(path()))).body;
    expect((await alice.get(at(`/event/${event}`))).body.msc4354_sticky).toEqual({ duration_ms: 5_000 });
  });

  test.each(['-1', '1.5', 'x', '3600001', ''])('is no %s', async (duration) => {
    expect((await alice.put(at(`/send/m.x/1${sticky(duration)}`))).body.errcode).toBe('M_INVALID_PARAM');
  });
});

test('who asks beside the endpoint hears which transactions it has answered, and for whom', async () => {
  const { hasAnswered } = server.homeserver.plain;
  const requester = (user: User) => ({
    user: user.id,
    device: user.device,
    isGuest: false,
    accessToken: user.token,
  });
  const path = { room, type: 'future', transactionId: '1' };
  expect(await hasAnswered(requester(alice), path)).toBe(false);
  await alice.put(at('/send/future/1'));
  expect(await hasAnswered(requester(alice), path)).toBe(true);
  expect(await hasAnswered(requester(bob), path)).toBe(false);
  expect(await hasAnswered(requester(alice), { ...path, type: 'm.other' })).toBe(false);
});

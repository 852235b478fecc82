import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startServer, type TestServer, type User } from '../server/server.ts';

let server: TestServer;
let alice: User;
let bob: User;
let room: string;
let heard: unknown[];
beforeEach(async () => {
  server = await startServer();
  heard = [];
  server.homeserver.onNewState((key, event, sender) => heard.push([key, event, sender]));
  alice = await server.user('alice');
  bob = await server.user('bob');
  room = await alice.room({ preset: 'public_chat', power_level_content_override: { state_default: 0 } });
  await bob.join(room);
  heard = [];
});
afterEach(() => server[Symbol.asyncDispose]());

const at = (path: string, of = room) => `/rooms/${encodeURIComponent(of)}${path}`;

describe('a state event', () => {
  test('is current once it is sent, and the one before it is in unsigned', async () => {
    const first = await alice.put(at('/state/m.thing/key'), { a: 1 });
    const second = await bob.put(at('/state/m.thing/key'), { a: 2 });
    expect((await alice.get(at('/state/m.thing/key'))).body).toEqual({ a: 2 });
    const event = (await alice.get(at('/state/m.thing/key?format=event'))).body;
    expect(event).toMatchObject({
      event_id: second.body.event_id,
      sender: bob.id,
      state_key: 'key',
      unsigned: { prev_content: { a: 1 }, prev_sender: alice.id, replaces_state: first.body.event_id },
    });
  });

  test.each(['/state/m.thing', '/state/m.thing/'])('at %s has the empty key', async (path) => {
    await alice.put(at(path), { a: 1 });
    for (const other of ['/state/m.thing', '/state/m.thing/']) {
      expect((await alice.get(at(other))).body).toEqual({ a: 1 });
    }
    expect((await alice.get(at(`${path}?format=event`))).body.state_key).toBe('');
  });

  test('is told to who listens, once', async () => {
    const { event_id: event } = (await alice.put(at('/state/m.thing/k'), { a: 1 })).body;
    expect(heard).toEqual([[{ room, type: 'm.thing', key: 'k' }, event, alice.id]]);
  });

  test('of another user as its key is refused', async () => {
    const answer = await alice.put(at(`/state/m.thing/${encodeURIComponent(bob.id)}`), {});
    expect(answer).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(heard).toEqual([]);
  });
});

describe('a state event that says what its sender said before', () => {
  test('makes no new event and is told to nobody, whatever the order of its keys', async () => {
    const first = await alice.put(at('/state/m.thing/k'), '{"a":1,"b":{"c":2,"d":3}}');
    heard = [];
    const again = await alice.put(at('/state/m.thing/k'), '{"b":{"d":3,"c":2},"a":1}');
    expect(again.body).toEqual(first.body);
    expect(heard).toEqual([]);
  });

  test('is a new event when another user says it', async () => {
    const first = await alice.put(at('/state/m.thing/k'), { a: 1 });
    const other = await bob.put(at('/state/m.thing/k'), { a: 1 });
    expect(other.body.event_id).not.toBe(first.body.event_id);
    expect(heard).toHaveLength(2);
  });

  test('is a new event when something was said in between', async () => {
    await alice.put(at('/state/m.thing/k'), { a: 1 });
    await alice.put(at('/state/m.thing/k'), { a: 2 });
    await alice.put(at('/state/m.thing/k'), { a: 1 });
    expect(heard).toHaveLength(3);
  });

  test('is refused all the same when its sender has left', async () => {
    await bob.put(at('/state/m.thing/k'), { a: 1 });
    await bob.post(at('/leave'));
    expect((await bob.put(at('/state/m.thing/k'), { a: 1 })).status).toBe(403);
  });
});

describe('reading state', () => {
  test('that is absent is 404, and of a room one was never in 403', async () => {
    expect(await alice.get(at('/state/m.absent/k'))).toMatchObject({
      status: 404,
      body: { errcode: 'M_NOT_FOUND' },
    });
    const carol = await server.user('carol');
    for (const path of ['/state', '/state/m.room.create', '/members', '/joined_members']) {
      expect(await carol.get(at(path))).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
      expect(await carol.get(at(path, '!nowhere'))).toMatchObject({ status: 403 });
    }
  });

  test('after leaving shows it as it was then', async () => {
    await alice.put(at('/state/m.thing/k'), { a: 1 });
    await bob.post(at('/leave'));
    await alice.put(at('/state/m.thing/k'), { a: 2 });
    await alice.put(at('/state/m.other/k'), {});
    expect((await bob.get(at('/state/m.thing/k'))).body).toEqual({ a: 1 });
    expect((await bob.get(at('/state/m.other/k'))).status).toBe(404);
    const whole = (await bob.get(at('/state'))).body as { type: string; content: object }[];
    expect(whole.find(({ type }) => type === 'm.thing')?.content).toEqual({ a: 1 });
    const own = (await bob.get(at(`/state/m.room.member/${encodeURIComponent(bob.id)}`))).body;
    expect(own).toMatchObject({ membership: 'leave' });
  });

  test('of a world readable room is for everybody', async () => {
    const carol = await server.user('carol');
    await alice.put(at('/state/m.room.history_visibility'), { history_visibility: 'world_readable' });
    expect((await carol.get(at('/state/m.room.create'))).status).toBe(200);
  });

  test('as a whole has one event for each key, the newest', async () => {
    await alice.put(at('/state/m.thing/k'), { a: 1 });
    await alice.put(at('/state/m.thing/k'), { a: 2 });
    const whole = (await alice.get(at('/state'))).body as {
      type: string;
      state_key: string;
      content: object;
    }[];
    const names = whole.map(({ type, state_key: key }) => `${type} ${key}`);
    expect(new Set(names).size).toBe(names.length);
    expect(whole.find(({ type }) => type === 'm.thing')?.content).toEqual({ a: 2 });
  });

  test('in a format nobody knows is 400', async () => {
    expect((await alice.get(at('/state/m.room.create?format=xml'))).body.errcode).toBe('M_INVALID_PARAM');
  });
});

test('who has left sees the state as of the leave, whatever became of the membership outside', async () => {
  await alice.put(at('/state/m.thing/k'), { seen: true });
  await bob.post(at('/leave'));
  await alice.put(at('/state/m.thing/k'), { seen: false });
  await alice.post(at('/ban'), { user_id: bob.id });
  expect((await bob.get(at('/state/m.thing/k'))).body).toEqual({ seen: true });
  await alice.post(at('/unban'), { user_id: bob.id });
  expect((await bob.get(at('/state/m.thing/k'))).body).toEqual({ seen: true });
  const { chunk } = (await bob.get(at('/members'))).body;
  expect(chunk.find(({ state_key: who }: { state_key: string }) => who === bob.id).content.membership).toBe(
    'leave',
  );
});

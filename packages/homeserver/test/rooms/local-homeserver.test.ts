import type { Draft } from '@matrix-futures/engine';
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
  room = await alice.room({ preset: 'public_chat', power_level_content_override: { state_default: 0 } });
});
afterEach(() => server[Symbol.asyncDispose]());

const at = (path: string) => `/rooms/${encodeURIComponent(room)}${path}`;
const draft = (given: Partial<Draft> = {}): Draft => ({
  room,
  sender: alice.id,
  type: 'm.room.message',
  stateKey: null,
  content: { msgtype: 'm.text', body: 'later' },
  extras: {},
  ...given,
});
const unit = <R>(work: () => R) => server.database.turn.unit(work);
const append = (given: Partial<Draft> = {}) =>
  unit(() => server.homeserver.port.append(draft(given), server.time.wall()));

describe('the port for futures', () => {
  test('puts an event into the room as a plain send does, with the time it is told', async () => {
    const answer = await unit(() => server.homeserver.port.append(draft(), 123_456));
    expect(answer).toEqual({ kind: 'accepted', event: expect.stringMatching(/^\$[\w-]{43}$/) });
    const event = answer.kind === 'accepted' ? answer.event : '';
    expect((await alice.get(at(`/event/${event}`))).body).toMatchObject({
      sender: alice.id,
      content: { body: 'later' },
      origin_server_ts: 123_456,
    });
  });

  test('prefers the time that the draft names, and keeps how long it sticks', async () => {
    const answer = await append({ extras: { ts: 42, stickyDurationMs: 60_000 } });
    const event = answer.kind === 'accepted' ? answer.event : '';
    expect((await alice.get(at(`/event/${event}`))).body).toMatchObject({
      origin_server_ts: 42,
      msc4354_sticky: { duration_ms: 60_000 },
    });
  });

  test('sends memberships as their endpoints do', async () => {
    await append({ type: 'm.room.member', stateKey: bob.id, content: { membership: 'invite' } });
    await append({
      sender: bob.id,
      type: 'm.room.member',
      stateKey: bob.id,
      content: { membership: 'join' },
    });
    expect((await bob.get('/joined_rooms')).body.joined_rooms).toEqual([room]);
    await append({
      sender: bob.id,
      type: 'm.room.member',
      stateKey: bob.id,
      content: { membership: 'leave' },
    });
    expect((await bob.get('/joined_rooms')).body.joined_rooms).toEqual([]);
  });

  test('sends redactions as their endpoint does', async () => {
    const event = await alice.say(room, 'secret');
    await append({ type: 'm.room.redaction', content: { redacts: event } });
    expect((await alice.get(at(`/event/${event}`))).body.content).toEqual({});
  });

  test('tells of new state, and not of state that changes nothing', async () => {
    const heard: unknown[] = [];
    server.homeserver.onNewState((key, _event, sender) => heard.push([key.key, sender]));
    const state = { type: 'm.thing', stateKey: 'k', content: { a: 1 } };
    const first = await append(state);
    expect(await append(state)).toEqual(first);
    expect(heard).toEqual([['k', alice.id]]);
  });

  test.each<[string, Partial<Draft>, number, string]>([
    ['a sender who is not in the room', { sender: '@bob:test' }, 403, 'M_FORBIDDEN'],
    ['a sender who has no account', { sender: '@nobody:test' }, 403, 'M_FORBIDDEN'],
    ['a room that does not exist', { room: '!nowhere' }, 403, 'M_FORBIDDEN'],
    ['a redaction of nothing', { type: 'm.room.redaction', content: { redacts: '$x' } }, 404, 'M_NOT_FOUND'],
    ['a message without a body', { content: {} }, 400, 'M_BAD_JSON'],
  ])('refuses %s as a value', async (_what, given, status, errcode) => {
    expect(await append(given)).toMatchObject({ kind: 'refused', error: { status, errcode } });
  });

  test('refuses who was deactivated meanwhile', async () => {
    const auth = { type: 'm.login.password', user: 'alice', password: 'secret' };
    await alice.post('/account/deactivate', { auth });
    expect(await append()).toMatchObject({ kind: 'refused', error: { errcode: 'M_FORBIDDEN' } });
  });

  test.each<[string, Partial<Draft>, string | null]>([
    ['nothing', {}, null],
    ['a room it does not know', { room: '!nowhere' }, null],
    ['a room id that is none', { room: 'x' }, 'M_INVALID_PARAM'],
    ['an empty type', { type: '' }, 'M_INVALID_PARAM'],
    ['a message without a body', { content: {} }, 'M_BAD_JSON'],
    ['a fraction', { type: 'm.x', content: { a: [{ b: 1.5 }] } }, 'M_BAD_JSON'],
    ['what cannot fit', { type: 'm.x', content: { a: 'x'.repeat(66_000) } }, 'M_TOO_LARGE'],
    ['a state key of 256 bytes', { stateKey: 'ä'.repeat(128) }, 'M_TOO_LARGE'],
  ])('has against the form of a draft: %s', async (_what, given, errcode) => {
    expect(server.homeserver.port.judgeForm(draft(given))?.errcode ?? null).toBe(errcode);
  });
});

describe('a unit that is undone', () => {
  const failing = (work: () => void) =>
    unit(() => {
      work();
      throw new Error('undone');
    }).catch(() => {});
  const counts = () => server.database.connection.prepare('SELECT count(*) AS events FROM event').get();

  test('takes its events with it, and the next event follows what is left', async () => {
    const before = counts();
    await failing(() => server.homeserver.port.append(draft(), 1));
    expect(counts()).toEqual(before);
    const event = await alice.say(room, 'next');
    expect((await alice.get(at('/messages?dir=b&limit=1'))).body.chunk[0].event_id).toBe(event);
    const rows = server.database.connection
      .prepare('SELECT pdu, event_id FROM event WHERE room_id = ? ORDER BY stream_position DESC LIMIT 2')
      .all(room);
    expect(JSON.parse(String(rows[0]?.['pdu'])).prev_events).toEqual([rows[1]?.['event_id']]);
  });

  test('leaves memory as it was: power levels, members, positions', async () => {
    await bob.join(room);
    const levels = (await alice.get(at('/state/m.room.power_levels'))).body;
    const from = (await alice.get(at('/messages?dir=b&limit=1'))).body.start;
    await failing(() => {
      const { port: inside } = server.homeserver;
      const state = (type: string, stateKey: string, content: Draft['content']) =>
        inside.append(draft({ type, stateKey, content }), 1);
      state('m.room.power_levels', '', { ...levels, events_default: 50 });
      state('m.room.member', bob.id, { membership: 'ban' });
      // Read while it is so, to have it kept in memory.
      inside.append(draft({ sender: bob.id }), 1);
    });
    expect((await bob.put(at('/send/m.room.message/1'), { msgtype: 'm.text', body: 'x' })).status).toBe(200);
    const { chunk } = (await alice.get(at(`/messages?dir=f&from=${from}`))).body;
    expect(chunk).toHaveLength(1);
  });

  test('is what a listener makes of it that throws', async () => {
    server.homeserver.onNewState(({ type }) => {
      if (type === 'm.unwanted') throw new Error('no');
    });
    const before = counts();
    await expect(append({ type: 'm.unwanted', stateKey: '' })).rejects.toThrow('no');
    expect(counts()).toEqual(before);
    expect((await alice.get(at('/state/m.unwanted'))).status).toBe(404);
  });
});

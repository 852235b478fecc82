import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Delayed, Draft } from '@matrix-futures/engine';
import { openDatabase } from '@matrix-futures/sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { roomMigrations } from '../../src/schema/rooms.ts';
import { streamMigrations } from '../../src/schema/stream.ts';
import { manualTime } from '../server/manual-clock.ts';
import { startServer, type TestServer, type User } from '../server/server.ts';

// MSC4140, "`delay_id` in `unsigned` event data": if, and only if, the client that is given the event is its sender's.

const unstable = 'org.matrix.msc4140.delay_id';
const parameter: Delayed = { delayId: 'syd_parameter', generation: 'delay-parameter' };
const merged: Delayed = { delayId: 'syd_merged', generation: 'delayed-events' };

let server: TestServer;
let alice: User;
let bob: User;
let room: string;
beforeEach(async () => {
  server = await startServer();
  alice = await server.user('alice', 'secret');
  bob = await server.user('bob');
  room = await alice.room({ preset: 'public_chat' });
  await bob.join(room);
});
afterEach(() => server[Symbol.asyncDispose]());

const at = (path: string) => `/rooms/${encodeURIComponent(room)}${path}`;
const message = { type: 'm.room.message', stateKey: null, content: { msgtype: 'm.text', body: 'later' } };
const topic = { type: 'm.room.topic', stateKey: '', content: { topic: 'later' } };
const member = () => ({
  type: 'm.room.member',
  stateKey: alice.id,
  content: { membership: 'join', displayname: 'Alice, later' },
});

/** Has a future send an event, and answers its id. */
async function sent(given: Partial<Draft>, delayed?: Delayed, on = server): Promise<string> {
  const draft = { room, sender: alice.id, ...message, extras: {}, ...given };
  const answer = await on.database.turn.unit(() => on.homeserver.port.append(draft, on.time.wall(), delayed));
  if (answer.kind === 'refused') throw new Error(answer.error.error);
  return answer.event;
}

/** What a user is shown in `unsigned` that names a delay id, wherever in an answer the event is. */
function delayIdsIn(answer: unknown, event: string): unknown[] {
  if (typeof answer !== 'object' || answer === null) return [];
  const inside = Object.values(answer).flatMap((value) => delayIdsIn(value, event));
  if (!('event_id' in answer && answer.event_id === event && 'unsigned' in answer)) return inside;
  const shown = Object.entries(Object(answer.unsigned)).filter(([name]) => name.endsWith('delay_id'));
  return [...inside, Object.fromEntries(shown)];
}

const shown = async (user: User, path: string, event: string) =>
  delayIdsIn((await user.get(path)).body, event);

describe('the delay id of the future that sent an event is shown to its sender and to nobody else', () => {
  const filter = (timeline: number) =>
    `filter=${encodeURIComponent(JSON.stringify({ room: { timeline: { limit: timeline } } }))}`;

  test.each<[string, () => Partial<Draft>, (event: string) => string]>([
    ['the timeline of a first sync', () => message, () => '/sync'],
    ['state before the timeline', () => topic, () => `/sync?${filter(1)}`],
    ['state after the timeline', () => topic, () => `/sync?use_state_after=true&${filter(1)}`],
    [
      'state after the timeline, unstable',
      () => topic,
      () => `/sync?org.matrix.msc4222.use_state_after=true&${filter(1)}`,
    ],
    ['messages', () => message, () => at('/messages?dir=b')],
    [
      'members beside messages',
      member,
      () => at(`/messages?dir=b&limit=1&filter=${encodeURIComponent('{"lazy_load_members":true}')}`),
    ],
    ['context', () => message, (event) => at(`/context/${encodeURIComponent(event)}`)],
    ['state in context', () => topic, (event) => at(`/context/${encodeURIComponent(event)}?limit=0`)],
    ['event', () => message, (event) => at(`/event/${encodeURIComponent(event)}`)],
    ['one piece of state', () => topic, () => at('/state/m.room.topic?format=event')],
    ['all state', () => topic, () => at('/state')],
    ['members', member, () => at('/members')],
  ])('in %s', async (_place, draft, path) => {
    const event = await sent(draft(), parameter);
    await alice.say(room, 'after it');
    const mine = await shown(alice, path(event), event);
    expect(mine.length).toBeGreaterThan(0);
    for (const names of mine) expect(names).toEqual({ [unstable]: 'syd_parameter' });
    const theirs = await shown(bob, path(event), event);
    expect(theirs.length).toBe(mine.length);
    for (const names of theirs) expect(names).toEqual({});
  });

  test('in the timeline of the sync that it wakes, on every device of the sender', async () => {
    const phone = await server.login('alice', 'secret');
    const users = [alice, phone, bob];
    const since = await Promise.all(users.map(async (user) => (await user.get('/sync')).body.next_batch));
    const polls = users.map((user, index) => user.get(`/sync?timeout=30000&since=${since[index]}`));
    const event = await sent(message, parameter);
    const answers = await Promise.all(polls);
    expect(answers.map(({ body }) => delayIdsIn(body, event))).toEqual([
      [{ [unstable]: 'syd_parameter' }],
      [{ [unstable]: 'syd_parameter' }],
      [{}],
    ]);
  });

  test('in the redaction that is shown because of it, to who redacted', async () => {
    const target = await bob.say(room, 'redact me');
    const redaction = await sent({ type: 'm.room.redaction', content: { redacts: target } }, parameter);
    const path = at(`/event/${encodeURIComponent(target)}`);
    expect(await shown(alice, path, redaction)).toEqual([{ [unstable]: 'syd_parameter' }]);
    expect(await shown(bob, path, redaction)).toEqual([{}]);
  });

  test('after the event was redacted', async () => {
    const event = await sent(message, parameter);
    await alice.put(at(`/redact/${encodeURIComponent(event)}/1`));
    const path = at(`/event/${encodeURIComponent(event)}`);
    expect(await shown(alice, path, event)).toEqual([{ [unstable]: 'syd_parameter' }]);
  });
});

describe('the names that a delay id is shown by', () => {
  test.each<[string, Delayed | undefined, object]>([
    ['the delay parameter: the unstable one', parameter, { [unstable]: 'syd_parameter' }],
    ['delayed events: both', merged, { [unstable]: 'syd_merged', delay_id: 'syd_merged' }],
    ['futures of 2024: none', undefined, {}],
  ])('%s', async (_what, delayed, names) => {
    const event = await sent(message, delayed);
    expect(await shown(alice, at(`/event/${encodeURIComponent(event)}`), event)).toEqual([names]);
  });
});

test('a delay id is no part of the event: same id, same hash, same signature as without', async () => {
  const pdu = async (delayed?: Delayed) => {
    await using other = await startServer();
    const user = await other.user('alice');
    const own = await user.room();
    const event = await sent({ room: own }, delayed, other);
    return {
      event,
      ...other.database.connection.prepare('SELECT pdu FROM event WHERE event_id = ?').get(event),
    };
  };
  const without = await pdu();
  expect(without.event).toMatch(/^\$/);
  expect(await pdu(merged)).toEqual(without);
});

test('a state future that changes nothing makes no event, and its delay id is shown on none', async () => {
  await alice.put(at('/state/m.room.topic'), topic.content);
  const event = await sent(topic, parameter);
  expect(await shown(alice, at('/state/m.room.topic?format=event'), event)).toEqual([{}]);
});

describe('a database on disk', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'delay-id-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const open = () => openDatabase({ path: join(directory, 'db'), timers: manualTime() });

  test('keeps delay ids through a restart', async () => {
    let database = open();
    const first = await startServer({ database });
    const user = await first.user('alice');
    const own = await user.room();
    const event = await sent({ room: own }, merged, first);
    await first[Symbol.asyncDispose]();
    database.close();

    database = open();
    const second = await startServer({ database });
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(own)}/event/${encodeURIComponent(event)}`;
    const { body } = await second.call('GET', path, { token: user.token });
    expect(delayIdsIn(body, event)).toEqual([{ [unstable]: 'syd_merged', delay_id: 'syd_merged' }]);
    await second[Symbol.asyncDispose]();
    database.close();
  });

  test('from before delay ids were kept goes on, its events without one', async () => {
    const database = open();
    database.migrate('homeserver-stream', streamMigrations);
    database.migrate('homeserver-rooms', roomMigrations.slice(0, 1));
    database.connection.exec(
      `INSERT INTO event (stream_position, event_id, room_id, type, sender, depth, origin_server_ts, pdu)
       VALUES (1, '$old', '!old', 'm.x', '@alice:test', 1, 1, '{}')`,
    );
    const upgraded = await startServer({ database });
    const row = database.connection.prepare('SELECT delay_id FROM event').get();
    expect(row).toEqual({ delay_id: null });
    await upgraded[Symbol.asyncDispose]();
    database.close();
  });
});

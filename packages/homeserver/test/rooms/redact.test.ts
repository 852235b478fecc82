import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startServer, type TestServer, type User } from '../server/server.ts';

let server: TestServer;
let alice: User;
let bob: User;
beforeEach(async () => {
  server = await startServer();
  alice = await server.user('alice');
  bob = await server.user('bob');
});
afterEach(() => server[Symbol.asyncDispose]());

const at = (room: string, path: string) => `/rooms/${encodeURIComponent(room)}${path}`;

describe.each(['10', '11', '12'])('in a room of version %s', (version) => {
  let room: string;
  beforeEach(async () => {
    room = await alice.room({ preset: 'public_chat', room_version: version });
    await bob.join(room);
  });

  test.each([
    ['/redact', (event: string) => bob.put(at(room, `/redact/${event}/1`), { reason: 'oops' })],
    [
      '/send/m.room.redaction',
      (event: string) => bob.put(at(room, '/send/m.room.redaction/1'), { redacts: event, reason: 'oops' }),
    ],
  ])('%s takes the content of an own event away', async (_path, redact) => {
    const event = await bob.say(room, 'secret');
    const redaction = await redact(event);
    const read = (await alice.get(at(room, `/event/${event}`))).body;
    expect(read.content).toEqual({});
    expect(read.unsigned.redacted_because).toMatchObject({
      event_id: redaction.body.event_id,
      sender: bob.id,
      type: 'm.room.redaction',
      redacts: event,
      content: { redacts: event, reason: 'oops' },
    });
    const stored = server.database.connection.prepare('SELECT pdu FROM event WHERE event_id = ?').get(event);
    expect(stored?.['pdu']).not.toContain('secret');
  });

  test("others' events need the power to redact", async () => {
    const event = await alice.say(room, 'mine');
    expect(await bob.put(at(room, `/redact/${event}/1`))).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN' },
    });
    expect((await bob.get(at(room, `/event/${event}`))).body.content).toMatchObject({ body: 'mine' });
    const other = await bob.say(room, 'yours');
    expect((await alice.put(at(room, `/redact/${other}/1`))).status).toBe(200);
  });
});

test('redacting power levels takes effect in what is allowed from then on', async () => {
  const room = await alice.room({ preset: 'public_chat', room_version: '10' });
  await bob.join(room);
  await alice.put(at(room, '/state/m.room.topic'), { topic: 'old' });
  const levels = (await alice.get(at(room, '/state/m.room.power_levels'))).body;
  await alice.put(at(room, '/state/m.room.power_levels'), { ...levels, notifications: { room: 10 } });
  const event = (await alice.get(at(room, '/state/m.room.power_levels?format=event'))).body.event_id;
  await alice.put(at(room, `/redact/${event}/1`));
  const left = (await alice.get(at(room, '/state/m.room.power_levels'))).body;
  expect(left).toMatchObject({ users: { [alice.id]: 100 } });
  expect(left).not.toHaveProperty('notifications');
  expect((await bob.put(at(room, '/state/m.room.topic'), { topic: 'new' })).status).toBe(403);
});

test('an event that is not there, or is of another room, is 404', async () => {
  const room = await alice.room();
  const elsewhere = await alice.say(await alice.room(), 'x');
  for (const event of ['$nothing', elsewhere]) {
    expect(await alice.put(at(room, `/redact/${event}/1`))).toMatchObject({
      status: 404,
      body: { errcode: 'M_NOT_FOUND' },
    });
  }
});

test('the event that made the room cannot be redacted', async () => {
  const room = await alice.room();
  const create = (await alice.get(at(room, '/state/m.room.create?format=event'))).body.event_id;
  expect((await alice.put(at(room, `/redact/${create}/1`))).status).toBe(403);
});

test('a redacted event keeps the redaction that came first', async () => {
  const room = await alice.room();
  const event = await alice.say(room, 'x');
  const first = (await alice.put(at(room, `/redact/${event}/1`))).body.event_id;
  expect((await alice.put(at(room, `/redact/${event}/2`))).status).toBe(200);
  const read = (await alice.get(at(room, `/event/${event}`))).body;
  expect(read.unsigned.redacted_because.event_id).toBe(first);
});

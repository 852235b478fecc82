import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startServer, type TestServer, type User } from '../server/server.ts';

let server: TestServer;
let alice: User;
let room: string;
beforeEach(async () => {
  server = await startServer();
  alice = await server.user('alice');
  room = await alice.room();
});
afterEach(() => server[Symbol.asyncDispose]());

const message = { msgtype: 'm.text', body: 'hello' };
const at = (path: string) => `/rooms/${encodeURIComponent(room)}${path}`;

describe('sending', () => {
  test('an event that was sent can be read back', async () => {
    const sent = await alice.put(at('/send/m.room.message/1'), message);
    const read = await alice.get(at(`/event/${sent.body.event_id}`));
    expect(read.body).toMatchObject({ sender: '@alice:test', room_id: room, content: message });
  });
});

import { afterEach, beforeEach, expect, test } from 'vitest';
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

const at = (path: string) => `/rooms/${encodeURIComponent(room)}${path}`;
const send = (n: number, text: string) =>
  alice.put(at(`/send/m.room.message/${n}`), { msgtype: 'm.text', body: text });
const pragma = (text: string) => server.database.connection.prepare(`PRAGMA ${text}`).get();

test('a full disk is 503 for every request of the turn, leaves nothing behind, and passes', async () => {
  const { page_count: pages } = pragma('page_count')!;
  const before = (await alice.get(at('/messages?dir=b&limit=1000'))).body;
  pragma(`max_page_count = ${Number(pages)}`);
  const big = 'x'.repeat(50_000);
  const answers = await Promise.all([1, 2, 3].map((n) => send(n, big)));
  for (const answer of answers) expect(answer).toMatchObject({ status: 503, body: { errcode: 'M_UNKNOWN' } });
  pragma(`max_page_count = ${Number(pages) + 10_000}`);
  expect((await alice.get(at('/messages?dir=b&limit=1000'))).body).toEqual(before);
  const sent = await send(1, 'small');
  const { chunk } = (await alice.get(at('/messages?dir=b&limit=1'))).body;
  expect(chunk[0].event_id).toBe(sent.body.event_id);
});

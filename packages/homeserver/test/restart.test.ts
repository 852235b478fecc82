import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database } from '@matrix-futures/sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { manualTime } from './server/manual-clock.ts';
import { startServer } from './server/server.ts';

let directory: string;
let database: Database;
const open = () => openDatabase({ path: join(directory, 'db'), timers: manualTime() });
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'homeserver-'));
  database = open();
});
afterEach(() => {
  database.close();
  rmSync(directory, { recursive: true });
});

test('logins, rooms, keys, transaction ids and tokens of pages outlive a restart', async () => {
  const send = { msgtype: 'm.text', body: 'x' };
  const v3 = '/_matrix/client/v3';
  const first = await startServer({ database });
  const alice = await first.user('alice');
  const room = await alice.room();
  const path = `/rooms/${encodeURIComponent(room)}`;
  const sent = await alice.put(`${path}/send/m.room.message/1`, send);
  const { start } = (await alice.get(`${path}/messages?dir=b&limit=1`)).body;
  const key = () => database.connection.prepare('SELECT signing_key FROM server').get();
  const keyBefore = key();
  await first[Symbol.asyncDispose]();
  database.close();

  database = open();
  const second = await startServer({ database });
  const token = alice.token;
  const again = await second.call('PUT', `${v3}${path}/send/m.room.message/1`, { token, body: send });
  expect(again.body).toEqual(sent.body);
  const next = await second.call('PUT', `${v3}${path}/send/m.room.message/2`, { token, body: send });
  const page = await second.call('GET', `${v3}${path}/messages?dir=f&from=${start}`, { token });
  expect(page.body.chunk.map((event: { event_id: string }) => event.event_id)).toEqual([next.body.event_id]);
  expect(key()).toEqual(keyBefore);
  await second[Symbol.asyncDispose]();
});

test('a database is of one server for ever', async () => {
  await (await startServer({ database }))[Symbol.asyncDispose]();
  await expect(startServer({ database, serverName: 'other' })).rejects.toThrow(/"test".*"other"/);
});

test('a name that no server can have is refused', async () => {
  await expect(startServer({ database, serverName: 'no server' })).rejects.toThrow('no server');
});

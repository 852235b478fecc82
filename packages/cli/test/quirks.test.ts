import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { parseConfig } from '../src/config/config.ts';
import { readSources } from '../src/config/sources.ts';
import { startServer } from '../src/server.ts';

const delayed = 'org.matrix.msc4140.delay=60000';

test.each([
  ['off', 200, { delay_id: expect.any(String) }],
  ['synapse', 403, { errcode: 'M_FORBIDDEN' }],
  ['dendrite', 200, { event_id: expect.any(String) }],
  ['tuwunel', 200, { event_id: expect.any(String) }],
  ['continuwuity', 200, { event_id: expect.any(String) }],
  ['palpo', 200, { event_id: expect.any(String) }],
])('--quirks %s answers a delayed request with %i, as that server does', async (name, status, body) => {
  const directory = mkdtempSync(join(tmpdir(), 'quirks-'));
  const argv = ['--listen', '127.0.0.1:0', '--data-dir', directory, '--open-registration', '--quirks', name];
  const sources = await readSources(argv, {}, () => Promise.reject(new Error('no file')));
  const server = await startServer(parseConfig(sources), pino({ level: 'silent' }));
  const ask = async (method: string, path: string, sent: object, token?: string) => {
    const response = await fetch(`${server.url}/_matrix/client/v3${path}`, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      body: JSON.stringify(sent),
    });
    const answer: any = await response.json();
    return { status: response.status, body: answer };
  };
  const alice = await ask('POST', '/register', { auth: { type: 'm.login.dummy' }, username: 'alice' });
  const token = alice.body.access_token;
  const room = encodeURIComponent((await ask('POST', '/createRoom', {}, token)).body.room_id);
  const path = `/rooms/${room}/send/m.room.message/1?${delayed}`;
  const answer = await ask('PUT', path, { msgtype: 'm.text', body: 'later' }, token);
  expect(answer).toMatchObject({ status, body });
  await server.close();
  rmSync(directory, { recursive: true });
});

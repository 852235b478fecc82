import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readAppServices } from '../src/app-services.ts';
import { parseConfig } from '../src/config/config.ts';
import { readSources } from '../src/config/sources.ts';
import { startServer } from '../src/server.ts';
import { explainStartError } from '../src/start-error.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'services-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const yaml = (id: string, url: string | null): string => `
id: ${id}
url: ${url}
as_token: as-${id}
hs_token: hs-${id}
sender_localpart: ${id}
rate_limited: false
namespaces:
  users: [{ regex: '@.*:localhost', exclusive: false }]
  rooms: [{ regex: '.*', exclusive: false }]
`;

function write(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

async function messageOf(paths: readonly string[]): Promise<string | null> {
  return readAppServices(paths).then(
    () => null,
    (error: unknown) => explainStartError(error),
  );
}

it('registrations are YAML files, and directories of them', async () => {
  write('b.yml', yaml('b', null));
  write('a.yaml', yaml('a', null));
  write('notes.txt', 'not one of them');
  const read = await readAppServices([directory, join(directory, 'a.yaml')]);
  expect(read.map(({ id }) => id)).toEqual(['a', 'b', 'a']);
});

it('what cannot be used is one line that names the file, and holds no token', async () => {
  expect(await messageOf([join(directory, 'missing.yaml')])).toMatch(/missing\.yaml/);
  const broken = write('broken.yaml', 'as_token: hush\n  as_token: [');
  expect(await messageOf([broken])).toBe(`${broken} is not YAML`);
  const wrong = write(
    'wrong.yaml',
    yaml('wrong', null).replace('rate_limited: false', 'rate_limited: rarely'),
  );
  expect(await messageOf([wrong])).toBe(`${wrong}: rate_limited must be boolean`);
});

it('a service registers users, sends as them, and is told of it, on a server that was started with it', async () => {
  const heard = Promise.withResolvers<any>();
  const service = createServer((request, response) => {
    void request.toArray().then((chunks) => {
      const { events } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      response.end('{}');
      const message = events.find((event: any) => event.type === 'm.room.message');
      if (message !== undefined) heard.resolve(message);
    });
  });
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  const file = write('one.yaml', yaml('one', `http://127.0.0.1:${(service.address() as AddressInfo).port}`));
  const argv = ['--listen', '127.0.0.1:0', '--data-dir', join(directory, 'data'), '--app-services', file];
  const sources = await readSources(argv, {}, () => Promise.reject(new Error('no file')));
  const server = await startServer(parseConfig(sources), pino({ level: 'silent' }));
  const ask = async (method: string, path: string, body: object): Promise<any> => {
    const response = await fetch(`${server.url}/_matrix/client/v3${path}`, {
      method,
      headers: { authorization: 'Bearer as-one' },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(200);
    return response.json();
  };
  await ask('POST', '/register', { type: 'm.login.application_service', username: 'alice' });
  const as = `user_id=${encodeURIComponent('@alice:localhost')}`;
  const { room_id: room } = await ask('POST', `/createRoom?${as}`, {});
  const path = `/rooms/${encodeURIComponent(room)}/send/m.room.message/1?${as}&ts=1234`;
  await ask('PUT', path, { msgtype: 'm.text', body: 'hello' });
  expect(await heard.promise).toMatchObject({
    sender: '@alice:localhost',
    room_id: room,
    origin_server_ts: 1234,
    content: { body: 'hello' },
  });
  await server.close();
  service.closeAllConnections();
  service.close();
});

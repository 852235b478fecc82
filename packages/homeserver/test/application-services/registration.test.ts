import { expect, test } from 'vitest';
import { BadRegistration, openHomeserver, parseRegistration } from '@matrix-futures/homeserver';
import { startServer } from '../server/server.ts';
import { registration, registrationFile } from './service.ts';

test('a registration is read as an operator writes it, keys of other servers beside', () => {
  const read = registration({ url: 'http://127.0.0.1:9000/', 'de.sorunome.msc2409.push_ephemeral': true });
  expect(read).toMatchObject({
    id: 'bridge',
    url: 'http://127.0.0.1:9000',
    asToken: 'as-bridge',
    hsToken: 'hs-bridge',
    senderLocalpart: 'bridge-bot',
    rateLimited: false,
    rooms: [],
    aliases: [],
  });
  expect(registration({ rate_limited: undefined }).rateLimited).toBe(true);
});

test('a pattern is for whole strings', () => {
  const [users] = registration({ namespaces: { users: [{ regex: '@a|@b', exclusive: false }] } }).users;
  expect(['@a', '@b', '@ab', 'x@a', '@bc'].filter((id) => users?.pattern.test(id))).toEqual(['@a', '@b']);
});

test.each([
  ['id', { id: '' }],
  ['url', { url: 'ftp://x' }],
  ['url', { url: undefined }],
  ['as_token', { as_token: 5 }],
  ['sender_localpart', { sender_localpart: 'Not Good' }],
  ['namespaces.users.0.regex', { namespaces: { users: [{ regex: '(', exclusive: true }] } }],
  ['namespaces.rooms.0', { namespaces: { rooms: [{ regex: '.*' }] } }],
])('what is wrong with a registration names the file and %s, and no token', (key, changes) => {
  const read = () => parseRegistration(registrationFile(changes), 'dir/bridge.yaml');
  expect(read).toThrow(BadRegistration);
  expect(read).toThrow(/^dir\/bridge\.yaml: /);
  expect(read).toThrow(key);
  expect(read).not.toThrow(/as-bridge|hs-bridge/);
});

test.each(['id', 'as_token', 'sender_localpart'])('two services cannot share %s', async (key) => {
  await using server = await startServer();
  const other = { id: 'other', as_token: 'as-other', sender_localpart: 'other-bot' };
  const same = Object.fromEntries(Object.entries(other).filter(([name]) => name !== key));
  const open = openHomeserver({
    database: server.database,
    clock: server.time,
    timers: server.time,
    randomness: { bytes: (length) => new Uint8Array(length) },
    serverName: 'test',
    openRegistration: false,
    registrationSharedSecret: null,
    defaultRoomVersion: '12',
    rateLimits: false,
    publicUrl: null,
    features: () => ({}),
    capabilities: () => ({}),
    applicationServices: [registration(), registration(same)],
  });
  await expect(open).rejects.toThrow(BadRegistration);
});

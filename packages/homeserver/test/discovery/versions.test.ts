import { expect, test } from 'vitest';
import { expectOk, startServer } from '../server/server.ts';

test('versions are told to everybody, with the flags that others add', async () => {
  await using server = await startServer({ features: () => ({ 'org.example.flag': true }) });
  const { body } = await server.call('GET', '/_matrix/client/versions');
  expect(body.versions).toContain('v1.1');
  expect(body.unstable_features).toMatchObject({ 'org.example.flag': true, 'org.matrix.msc3771': true });
});

test('capabilities name the room versions, and what others add', async () => {
  await using server = await startServer({
    defaultRoomVersion: '11',
    capabilities: () => ({ 'org.example.thing': { enabled: true } }),
  });
  const ann = await server.user('ann');
  const { capabilities } = expectOk(await ann.get('/capabilities'));
  expect(capabilities['m.room_versions']).toEqual({
    default: '11',
    available: { '10': 'stable', '11': 'stable', '12': 'stable' },
  });
  expect(capabilities['org.example.thing']).toEqual({ enabled: true });
});

test('the server tells where it is if it was told', async () => {
  await using silent = await startServer();
  expect((await silent.call('GET', '/.well-known/matrix/client')).status).toBe(404);
  await using told = await startServer({ publicUrl: 'https://matrix.example.org' });
  expect((await told.call('GET', '/.well-known/matrix/client')).body).toEqual({
    'm.homeserver': { base_url: 'https://matrix.example.org' },
  });
});

test('there are no TURN servers, no media servers and no key backup', async () => {
  await using server = await startServer();
  const ann = await server.user('ann');
  // An empty answer is not what the specification's schema says, and what clients take for "none" of every server.
  const turn = await server.http.inject({
    url: '/_matrix/client/v3/voip/turnServer',
    headers: { authorization: `Bearer ${ann.token}` },
  });
  expect([turn.statusCode, turn.json()]).toEqual([200, {}]);
  const transports = '/_matrix/client/unstable/org.matrix.msc4143/rtc/transports';
  expect((await server.call('GET', transports, { token: ann.token })).body).toEqual({ rtc_transports: [] });
  const backup = await ann.get('/room_keys/version');
  expect([backup.status, backup.body.errcode]).toEqual([404, 'M_NOT_FOUND']);
  const oauth = await server.call('GET', '/_matrix/client/v1/auth_metadata');
  expect([oauth.status, oauth.body.errcode]).toEqual([404, 'M_UNRECOGNIZED']);
});

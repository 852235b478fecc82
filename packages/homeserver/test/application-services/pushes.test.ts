import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type Database } from '@matrix-futures/sqlite';
import { expectOk, startServer, type TestServer, type User } from '../server/server.ts';
import { manualTime } from '../server/manual-clock.ts';
import { gatewayRegistrations, quickTimers, registration, startService, type Service } from './service.ts';

let service: Service;
let database: Database;
let server: TestServer;
let alice: User;

beforeEach(async () => {
  service = await startService();
  database = openDatabase({ path: ':memory:', timers: manualTime() });
  server = await restarted();
  alice = await server.user('alice');
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
  database.close();
});

async function restarted(): Promise<TestServer> {
  const applicationServices = gatewayRegistrations(service.url);
  const next = await startServer({ database, timers: quickTimers, applicationServices });
  next.homeserver.startPushing();
  return next;
}
const heardBodies = () =>
  service.events.map(({ content }) => content.body).filter((body) => body !== undefined);

describe('a service whose rooms are all rooms', () => {
  test('hears of every event, in order, with its own token', async () => {
    const room = await alice.room();
    const event = await alice.say(room, 'hello');
    await service.until(() => heardBodies().includes('hello'));
    expect(service.events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['m.room.create', 'm.room.member', 'm.room.power_levels']),
    );
    expect(service.events.at(-1)).toMatchObject({
      event_id: event,
      room_id: room,
      sender: alice.id,
      type: 'm.room.message',
    });
    expect(new Set(service.heard.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer hs-listener']),
    );
    expect(new Set(service.heard.map(({ method }) => method))).toEqual(new Set(['PUT']));
  });

  test('hears of what the puppet sends, and of redactions', async () => {
    const room = encodeURIComponent(await alice.room());
    const as = `user_id=${encodeURIComponent(alice.id)}`;
    const state = `/_matrix/client/v3/rooms/${room}/state/org.example.call/k?${as}`;
    const { event_id: event } = expectOk(
      await server.call('PUT', state, { token: 'as-puppet', body: { on: true } }),
    );
    expectOk(await alice.put(`/rooms/${room}/redact/${event}/1`));
    await service.until(() => service.events.some(({ type }) => type === 'm.room.redaction'));
    expect(service.events.some(({ type }) => type === 'org.example.call')).toBe(true);
  });

  test('is told at most a hundred at once, with ids that grow', async () => {
    const room = await alice.room();
    service.status = 500;
    for (let index = 0; index < 250; index += 1) await alice.say(room, `m${index}`);
    service.status = 200;
    await service.until(() => heardBodies().includes('m249'));
    expect(heardBodies()).toEqual(Array.from({ length: 250 }, (_, index) => `m${index}`));
    expect(Math.max(...service.heard.map(({ body }) => body.events.length))).toBeLessThanOrEqual(100);
    const ids = service.heard.map(({ path }) =>
      Number(/^\/_matrix\/app\/v1\/transactions\/(\d+)$/.exec(path)?.[1]),
    );
    expect(ids.toSorted((a, b) => a - b)).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('is told again what it did not take, by the same id, and nothing is lost', async () => {
    const room = await alice.room();
    await service.until(() => service.events.some(({ type }) => type === 'm.room.history_visibility'));
    service.status = 503;
    await alice.say(room, 'one');
    await alice.say(room, 'two');
    service.status = 200;
    await service.until(() => heardBodies().includes('two'));
    expect(heardBodies()).toEqual(['one', 'two']);
  });

  test('hears after a restart what came while it did not answer', async () => {
    const room = await alice.room();
    await service.until(() => service.events.some(({ type }) => type === 'm.room.history_visibility'));
    const refused = Promise.withResolvers<void>();
    service.onRefused = () => refused.resolve();
    service.status = 500;
    await alice.say(room, 'missed');
    await refused.promise;
    await server[Symbol.asyncDispose]();
    service.status = 200;
    server = await restarted();
    await service.until(() => heardBodies().includes('missed'));
    const types = service.events.map(({ type }) => type);
    expect(types.filter((type) => type === 'm.room.create')).toHaveLength(1);
  });

  test('hears nothing of what was there before it was registered', async () => {
    const room = await alice.room();
    await alice.say(room, 'old');
    await service.until(() => heardBodies().includes('old'));
    await server[Symbol.asyncDispose]();
    await using other = await startService();
    server = await startServer({
      database,
      applicationServices: gatewayRegistrations(other.url).map((one) =>
        one.id === 'listener' ? { ...one, id: 'new-listener' } : one,
      ),
    });
    server.homeserver.startPushing();
    const bob = await server.user('bob');
    await bob.room({ name: 'new' });
    await other.until(() => other.events.some(({ content }) => content.name === 'new'));
    expect(other.events.some(({ content }) => content.body === 'old')).toBe(false);
  });
});

test('a service hears of the rooms its users are in, and of no others', async () => {
  await server[Symbol.asyncDispose]();
  server = await startServer({ applicationServices: [registration({ url: service.url })] });
  server.homeserver.startPushing();
  alice = await server.user('alice');
  expectOk(
    await server.call('POST', '/_matrix/client/v3/register', {
      token: 'as-bridge',
      body: { type: 'm.login.application_service', username: '_bridge_carol' },
    }),
  );
  const secret = await alice.room();
  const shared = await alice.room({ invite: ['@_bridge_carol:test'] });
  await alice.say(secret, 'secret');
  expectOk(
    await server.call(
      'POST',
      `/_matrix/client/v3/join/${encodeURIComponent(shared)}?user_id=%40_bridge_carol%3Atest`,
      { token: 'as-bridge', body: {} },
    ),
  );
  await alice.say(shared, 'shared');
  await service.until(() => heardBodies().includes('shared'));
  expect(new Set(service.events.map(({ room_id }) => room_id))).toEqual(new Set([shared]));
  expect(service.events[0]).toMatchObject({ type: 'm.room.member', state_key: '@_bridge_carol:test' });
});

describe('ping', () => {
  const ping = (id: string, token: string) =>
    server.call('POST', `/_matrix/client/v1/appservice/${id}/ping`, {
      token,
      body: { transaction_id: 'p1' },
    });

  test('asks the service, and tells at once what waits for it', async () => {
    const room = await alice.room();
    await service.until(() => service.events.some(({ type }) => type === 'm.room.history_visibility'));
    service.status = 500;
    await alice.say(room, 'waits');
    service.status = 200;
    const told = service.until(() => heardBodies().includes('waits'));
    expect(await ping('listener', 'as-listener')).toMatchObject({ status: 200, body: { duration_ms: 0 } });
    await told;
    expect(service.heard).toContainEqual({
      method: 'POST',
      path: '/_matrix/app/v1/ping',
      authorization: 'Bearer hs-listener',
      body: { transaction_id: 'p1' },
    });
  });

  test('is for the service itself', async () => {
    expect(await ping('listener', 'as-puppet')).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN' },
    });
    expect(await ping('listener', alice.token)).toMatchObject({ status: 403 });
  });

  test('says what is wrong with the service', async () => {
    expect((await ping('puppet', 'as-puppet')).body.errcode).toBe('M_URL_NOT_SET');
    service.status = 418;
    expect(await ping('listener', 'as-listener')).toMatchObject({
      status: 502,
      body: { errcode: 'M_BAD_STATUS', status: 418, body: '{}' },
    });
    await service[Symbol.asyncDispose]();
    expect(await ping('listener', 'as-listener')).toMatchObject({
      status: 502,
      body: { errcode: 'M_CONNECTION_FAILED' },
    });
    service = await startService();
  });
});

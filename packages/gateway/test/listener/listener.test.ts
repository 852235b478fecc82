import type { EventId, StateKey, UserId } from '@matrix-futures/engine';
import { ManualClock } from '@matrix-futures/engine/conformance';
import { createServer, MatrixError } from '@matrix-futures/http';
import { afterEach, describe, expect, test } from 'vitest';
import { Masquerades } from '../../src/delivery/masquerades.ts';
import { RoomReader } from '../../src/delivery/room-reader.ts';
import { listenerEndpoints } from '../../src/listener/endpoints.ts';
import { Listener } from '../../src/listener/listener.ts';
import { Puppet } from '../../src/upstream/puppet.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { startHomeserver, timers, type Homeserver, type Reply } from '../homeserver.ts';
import { Futures } from './listening.ts';

const stack: AsyncDisposable[] = [];
afterEach(async () => {
  for (const opened of stack.splice(0).toReversed()) await opened[Symbol.asyncDispose]();
});

const alice = '@alice:test';
const bob = '@bob:test';
const key: StateKey = { room: '!room', type: 'org.example.call', key: '_@alice:test/ü' };
const otherKey: StateKey = { ...key, key: 'other' };
const [ofPuppet, ofListener] = ['hs-token-of-the-puppet', 'hs-token-of-the-listener'];

/** A state event as it is pushed, by Bob unless another is named. */
const pushed = (event: EventId, of: StateKey = key, sender: UserId = bob) => ({
  ...{ event_id: event, room_id: of.room, type: of.type, state_key: of.key, sender },
  ...{ content: { a: 1 }, origin_server_ts: 1, age: 5 },
});

interface Subject {
  readonly homeserver: Homeserver;
  readonly futures: Futures;
  /** What is current at the homeserver, by state key; what is not there is absent. */
  readonly current: Map<string, EventId>;
  call(
    method: 'PUT' | 'POST' | 'GET',
    path: string,
    request?: { body?: unknown; token?: string | null },
  ): Promise<{ status: number; body: any }>;
  /** A transaction. */
  push(events: readonly unknown[], txnId?: string): Promise<{ status: number; body: any }>;
}

/** A listener behind a real server; Alice has futures on `key`. */
async function open(answer: ((path: string) => Reply) | null = null): Promise<Subject> {
  const current = new Map<string, EventId>();
  const homeserver = await startHomeserver(({ path }) => {
    if (answer !== null) return answer(path);
    const stateKey = path.split('/state/org.example.call/')[1] ?? '';
    const event = current.get(stateKey);
    if (event === undefined) return { status: 404, body: { errcode: 'M_NOT_FOUND', error: 'Not found' } };
    return { status: 200, body: pushed(event, { ...key, key: stateKey }) };
  });
  stack.push(homeserver);
  const upstream = new Upstream(homeserver.url, timers);
  const puppet = new Puppet(upstream, 'as-token');
  const futures = new Futures();
  futures.own(key, alice);
  const rooms = new RoomReader(puppet, new Masquerades(puppet, new ManualClock()));
  const server = await createServer({
    endpoints: listenerEndpoints({
      listener: new Listener(futures, rooms, timers),
      tokens: [ofListener, ofPuppet],
    }),
    authenticate: () => null,
    translate: (error) =>
      error instanceof StoreAway ? new MatrixError('storeUnavailable', 'The store is away') : null,
    timers,
  });
  stack.push({
    [Symbol.asyncDispose]: async () => {
      await server.close();
      upstream.close();
    },
  });
  const { port } = await server.listen('127.0.0.1', 0);
  const call: Subject['call'] = async (method, path, { body, token = ofListener } = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  let transactions = 0;
  const push: Subject['push'] = (events, txnId = String((transactions += 1))) =>
    call('PUT', `/_matrix/app/v1/transactions/${txnId}`, { body: { events } });
  return { homeserver, futures, current, call, push };
}

class StoreAway extends Error {}

const taken = { status: 200, body: {} };
const path = '/_matrix/app/v1/transactions/1';

describe('the homeserver shows that it is the one', () => {
  test.each([ofListener, ofPuppet])('by the hs_token of either registration', async (token) => {
    const { call } = await open();
    expect(await call('PUT', path, { token, body: { events: [] } })).toEqual(taken);
  });

  test('in the query, too', async () => {
    const { call } = await open();
    const query = `?access_token=${ofListener}`;
    expect(await call('PUT', `${path}${query}`, { token: null, body: { events: [] } })).toEqual(taken);
  });

  test.each([null, 'wrong', ofListener.toUpperCase(), `${ofListener}x`])(
    'and with %j nothing is heard, whatever is called',
    async (token) => {
      const { call, current, futures } = await open();
      current.set(key.key, '$new');
      const forbidden = { status: 403, body: { errcode: 'M_FORBIDDEN' } };
      const body = { events: [pushed('$new')] };
      expect(await call('PUT', path, { token, body })).toMatchObject(forbidden);
      expect(await call('PUT', '/transactions/1', { token, body })).toMatchObject(forbidden);
      expect(await call('PUT', path, { token, body: 'x'.repeat(500_000) })).toMatchObject(forbidden);
      expect(await call('POST', '/_matrix/app/v1/ping', { token, body: {} })).toMatchObject(forbidden);
      expect(await call('GET', '/_matrix/app/v1/users/@a:test', { token })).toMatchObject(forbidden);
      expect(futures.told).toEqual([]);
    },
  );
});

describe('the paths of an application service', () => {
  test.each(['/_matrix/app/v1/transactions/7', '/transactions/7'])('%s takes events', async (where) => {
    const { call, current, futures } = await open();
    current.set(key.key, '$new');
    expect(await call('PUT', where, { body: { events: [pushed('$new')] } })).toEqual(taken);
    expect(futures.told).toEqual([{ key, event: '$new', sender: bob }]);
  });

  test.each([
    '/_matrix/app/v1/users/@a:test',
    '/users/@a:test',
    '/_matrix/app/v1/rooms/%23a:test',
    '/rooms/%23a:test',
  ])('%s knows nobody', async (where) => {
    const { call } = await open();
    expect(await call('GET', where)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  });

  test('a ping is answered', async () => {
    const { call } = await open();
    expect(await call('POST', '/_matrix/app/v1/ping', { body: { transaction_id: 'p1' } })).toEqual(taken);
  });

  test.each([
    ['not JSON', '{"events":', 'M_NOT_JSON'],
    ['no object', '[]', 'M_BAD_JSON'],
    ['without events', '{}', 'M_BAD_JSON'],
    ['of events that are no list', '{"events":{}}', 'M_BAD_JSON'],
  ])('a transaction that is %s is refused', async (_, body, errcode) => {
    const { call } = await open();
    expect(await call('PUT', path, { body })).toMatchObject({ status: 400, body: { errcode } });
  });

  test('a transaction of 100 events of 64 KiB is taken', async () => {
    const { push } = await open();
    const content = { text: 'x'.repeat(64_000) };
    const events = Array.from({ length: 100 }, (_, index) => ({ ...pushed(`$${index}`, otherKey), content }));
    expect(await push(events)).toEqual(taken);
  });
});

describe('an event that is heard of', () => {
  test('counts where it is the current one of a key with futures, as their owner sees it', async () => {
    const { homeserver, push, current, futures } = await open();
    current.set(key.key, '$new');
    expect(await push([pushed('$new')])).toEqual(taken);
    expect(futures.told).toEqual([{ key, event: '$new', sender: bob }]);
    expect(homeserver.asked).toMatchObject([
      {
        method: 'GET',
        path: `/_matrix/client/v3/rooms/!room/state/org.example.call/${key.key}`,
        query: { user_id: alice, format: 'event' },
      },
    ]);
  });

  test('of a key without futures costs nothing: the homeserver is not asked', async () => {
    const { homeserver, push, futures } = await open();
    expect(await push([pushed('$new', otherKey)])).toEqual(taken);
    expect([homeserver.asked, futures.told]).toEqual([[], []]);
  });

  test('counts once, however often it comes, in whichever transaction', async () => {
    const { push, current, futures } = await open();
    current.set(key.key, '$new');
    for (const [events, txnId] of [
      [[pushed('$new'), pushed('$new')], '1'],
      [[pushed('$new')], '1'],
      [[pushed('$new')], '2'],
    ] as const)
      expect(await push(events, txnId)).toEqual(taken);
    expect(futures.told).toHaveLength(1);
  });

  test('counts under a transaction id that had another body before', async () => {
    const { push, current, futures } = await open();
    current.set(key.key, '$one');
    await push([pushed('$one')], '2');
    current.set(key.key, '$two');
    await push([pushed('$two')], '2');
    expect(futures.told.map(({ event }) => event)).toEqual(['$one', '$two']);
  });

  test('does not count once it is no longer the current one', async () => {
    const { push, current, futures } = await open();
    current.set(key.key, '$three');
    await push([pushed('$three')]);
    await push([pushed('$one'), pushed('$two')]);
    expect(futures.told.map(({ event }) => event)).toEqual(['$three']);
  });

  test('does not count where its futures’ owner sees neither it nor the room: they are refused when due', async () => {
    const { push, futures } = await open((path) =>
      path.endsWith('/whoami')
        ? { status: 200, body: { user_id: alice } }
        : { status: 403, body: { errcode: 'M_FORBIDDEN', error: 'Not in the room' } },
    );
    expect(await push([pushed('$new')])).toEqual(taken);
    expect(futures.told).toEqual([]);
  });

  test('counts beside others that make no sense', async () => {
    const { push, current, futures } = await open();
    current.set(key.key, '$new');
    const { sender: _, ...withoutSender } = pushed('$a');
    const odd = [
      ...[null, 7, 'text', [], {}, withoutSender],
      { ...pushed('$b'), state_key: 7 },
      { ...pushed('$c'), event_id: null },
      { type: 'm.room.message', event_id: '$d', room_id: '!room', sender: bob, content: {} },
    ];
    expect(await push([...odd, pushed('$new'), ...odd])).toEqual(taken);
    expect(futures.told.map(({ event }) => event)).toEqual(['$new']);
  });

  test('counts beside one that is nested deeper than a body may be', async () => {
    const { call, current, futures } = await open();
    current.set(key.key, '$new');
    const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
    const body = `{"events":[{"type":"x","content":${deep}},${JSON.stringify(pushed('$new'))}]}`;
    expect(await call('PUT', path, { body })).toEqual(taken);
    expect(futures.told.map(({ event }) => event)).toEqual(['$new']);
  });

  test('waits while a request for its key is on its way, and holds up no other key', async () => {
    const { push, current, futures } = await open();
    futures.own(otherKey, alice);
    current.set(key.key, '$new');
    current.set(otherKey.key, '$other');
    const lock = await futures.lockState(key);
    const waits = Promise.withResolvers<void>();
    futures.onLocked = waits.resolve;
    let isTaken = false;
    const pushing = push([pushed('$new'), pushed('$other', otherKey)]).then((answer) => {
      isTaken = true;
      return answer;
    });
    await waits.promise;
    await expect.poll(() => futures.told.map(({ event }) => event)).toEqual(['$other']);
    expect(isTaken).toBe(false);
    await lock?.[Symbol.asyncDispose]();
    expect(await pushing).toEqual(taken);
    expect(futures.told.map(({ event }) => event)).toEqual(['$other', '$new']);
  });

  test('that the request itself made is looked at only afterwards', async () => {
    const { push, current, futures } = await open();
    const lock = await futures.lockState(key);
    const waits = Promise.withResolvers<void>();
    futures.onLocked = waits.resolve;
    const pushing = push([pushed('$new')]);
    await waits.promise;
    // Newer state has taken its place by then.
    current.set(key.key, '$newer');
    await lock?.[Symbol.asyncDispose]();
    expect(await pushing).toEqual(taken);
    expect(futures.told).toEqual([]);
  });
});

describe('what cannot be dealt with now is to be pushed again', () => {
  test.each([
    ['is limited', { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', error: 'Slow down' } }],
    ['fails', { status: 500, body: { errcode: 'M_UNKNOWN', error: 'Internal server error' } }],
    ['breaks off', null],
    ['refuses the gateway', { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'Unknown token' } }],
  ])('where the homeserver %s: 502, and it counts when it comes again', async (_, reply) => {
    let answer: Reply = reply;
    const { push, futures } = await open(() => answer);
    expect(await push([pushed('$new')], '5')).toMatchObject({ status: 502, body: { errcode: 'M_UNKNOWN' } });
    expect(futures.told).toEqual([]);
    answer = { status: 200, body: pushed('$new') };
    expect(await push([pushed('$new')], '5')).toEqual(taken);
    expect(futures.told.map(({ event }) => event)).toEqual(['$new']);
  });

  test('but not for ever, where it cannot be asked about one event: that is let go, and what is behind it counts', async () => {
    const { push, futures } = await open((asked) =>
      asked.endsWith(otherKey.key)
        ? { status: 200, body: pushed('$other', otherKey) }
        : { status: 500, body: { errcode: 'M_UNKNOWN', error: 'Internal server error' } },
    );
    futures.own(otherKey, alice);
    for (let times = 1; times < 5; times += 1)
      expect(await push([pushed('$new')])).toMatchObject({ status: 502 });
    expect(await push([pushed('$new')])).toEqual(taken);
    expect(await push([pushed('$new'), pushed('$other', otherKey)])).toEqual(taken);
    expect(futures.told.map(({ event }) => event)).toEqual(['$other']);
  });

  test('where the homeserver is away: 502', async () => {
    const { push, homeserver, futures } = await open();
    await homeserver.stop();
    expect(await push([pushed('$new')])).toMatchObject({ status: 502 });
    expect(futures.told).toEqual([]);
    expect(await push([pushed('$new', otherKey)])).toEqual(taken);
  });

  test('where the store is away: 503, and what was dealt with beside it counts once', async () => {
    const { push, current, futures } = await open();
    futures.own(otherKey, alice);
    current.set(key.key, '$new');
    current.set(otherKey.key, '$other');
    futures.error = new StoreAway('away');
    const events = [pushed('$new'), pushed('$other', otherKey)];
    expect(await push(events)).toMatchObject({ status: 503 });
    expect(futures.told).toHaveLength(1);
    expect(await push(events)).toEqual(taken);
    expect(futures.told.map(({ event }) => event).sort()).toEqual(['$new', '$other']);
  });
});

import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { StateKey } from '@matrix-futures/engine';
import { decodeQuery } from '@matrix-futures/http';
import { describe, expect, test } from 'vitest';
import { NoAnswer } from '../../src/proxy/forward.ts';
import { longestHold, longestWait, mostWaiting } from '../../src/proxy/plain-state.ts';
import type { Proxy } from '../../src/proxy/proxy.ts';
import { alice, gatewayBefore, timers } from './proxying.ts';

/** A lock that says what happens, and is taken once so far. */
function lockOf(wait: Promise<void> = Promise.resolve()) {
  const keys: StateKey[] = [];
  let held = 0;
  const free: (() => void)[] = [];
  return {
    keys,
    isHeld: () => held > 0,
    /** resolves when nobody holds it any more */
    async freed() {
      while (this.isHeld()) await new Promise<void>((resolve) => void free.push(resolve));
    },
    async withStateKey(key: StateKey, run: () => Promise<void>) {
      keys.push(key);
      await wait;
      held += 1;
      await run();
      held -= 1;
      for (const wake of free.splice(0)) wake();
    },
  };
}

/** Timers of which those of one length run out at once. */
const hurried = (length: number) => ({
  ...timers,
  after: (delay: number, run: () => void) => timers.after(delay === length ? 0 : delay, run),
});

const put = (url: string, path: string, body = '{"a":1}') => fetch(`${url}${path}`, { method: 'PUT', body });
const statePath = '/_matrix/client/v3/rooms/!r%2Fa:s/state/m.room.topic/';

describe('plain state', () => {
  test.each([
    [statePath, { room: '!r/a:s', type: 'm.room.topic', key: '' }],
    ['/_matrix/client/r0/rooms/!r/state/t', { room: '!r', type: 't', key: '' }],
    ['/_matrix/client/api/v1/rooms/!r/state/t/%40a%3Ab?x=1', { room: '!r', type: 't', key: '@a:b' }],
    ['/_matrix/client/v3//rooms/!r/state/t/k', { room: '!r', type: 't', key: 'k' }],
  ])('goes on under the lock of its key: %s', async (path, key) => {
    const lock = lockOf();
    const { url } = await gatewayBefore(
      (request, response) => {
        expect(lock.isHeld()).toBe(true);
        void text(request).then((body) => response.end(body));
      },
      { withStateKey: lock.withStateKey },
    );
    expect(await (await put(url, path)).text()).toBe('{"a":1}');
    expect(lock.keys).toEqual([key]);
    await lock.freed();
  });

  test('that is read, or a message, takes no lock', async () => {
    const lock = lockOf();
    const { url } = await gatewayBefore((_request, response) => void response.end('{}'), {
      withStateKey: lock.withStateKey,
    });
    await fetch(`${url}${statePath}`);
    await put(url, '/_matrix/client/v3/rooms/!r/send/t/1');
    expect(lock.keys).toEqual([]);
  });

  test('competes for its key one by one, and leaves it free in between: deliveries come to it through any flood', async () => {
    const refused = Promise.withResolvers<void>();
    let asking = 0;
    let most = 0;
    let free = 0;
    const pauses: number[] = [];
    const { url } = await gatewayBefore((_request, response) => void response.end('{}'), {
      withStateKey: async (_key, run) => {
        most = Math.max(most, (asking += 1));
        if (free > 0) pauses.push(performance.now() - free);
        await refused.promise;
        await run();
        free = performance.now();
        asking -= 1;
      },
    });
    const all = Array.from({ length: mostWaiting + 1 }, () => put(url, statePath));
    expect((await Promise.race(all)).status).toBe(503);
    refused.resolve();
    const statuses = (await Promise.all(all)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(mostWaiting);
    expect([most, pauses.length]).toEqual([1, mostWaiting - 1]);
    for (const pause of pauses) expect(pause).toBeGreaterThan(25);
    expect((await put(url, statePath)).status).toBe(200);
  });

  test('that does not get its lock in time is 503, and nothing of it happens later', async () => {
    const turn = Promise.withResolvers<void>();
    const lock = lockOf(turn.promise);
    let asked = 0;
    const { url } = await gatewayBefore(() => (asked += 1), {
      withStateKey: lock.withStateKey,
      timers: hurried(longestWait),
    });
    const answer = await put(url, statePath);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await answer.json()).toMatchObject({ errcode: 'M_UNKNOWN', retry_after_ms: 1000 });
    turn.resolve();
    await lock.freed();
    expect(asked).toBe(0);
  });

  test('that is still being sent by its client holds no lock', async () => {
    const lock = lockOf();
    const { port } = await gatewayBefore((_request, response) => void response.end('{}'), {
      withStateKey: lock.withStateKey,
    });
    const sent = httpRequest({ port, method: 'PUT', path: statePath, headers: { 'Content-Length': 7 } });
    sent.write('{"a"');
    await put(`http://127.0.0.1:${port}`, '/_matrix/client/v3/rooms/!r/state/other/');
    expect(lock.keys).toHaveLength(1);
    sent.end(':1}');
    await once(sent, 'response');
    expect(lock.keys).toHaveLength(2);
  });

  test('gives its lock back when the homeserver has answered, whenever the client reads', async () => {
    const lock = lockOf();
    const { port } = await gatewayBefore(
      (_request, response) => void response.end(Buffer.alloc(20_000_000)),
      {
        withStateKey: lock.withStateKey,
      },
    );
    const socket = connect(port, '127.0.0.1');
    socket.write(`PUT ${statePath} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}`);
    await once(socket, 'readable');
    await lock.freed();
    socket.destroy();
  });

  test('gives its lock back after half a minute without an answer, and still gets it', async () => {
    const lock = lockOf();
    const answering: ServerResponse[] = [];
    const asked = Promise.withResolvers<void>();
    const { url } = await gatewayBefore(
      (_request, response) => {
        answering.push(response);
        asked.resolve();
      },
      {
        withStateKey: lock.withStateKey,
        timers: hurried(longestHold),
      },
    );
    const answer = put(url, statePath);
    await asked.promise;
    await lock.freed();
    answering[0]!.end('late');
    expect(await (await answer).text()).toBe('late');
  });

  test('gives its lock back when the homeserver cannot be reached, and when its client goes', async () => {
    const lock = lockOf();
    const asked = Promise.withResolvers<void>();
    const { url, port } = await gatewayBefore(
      (request) => {
        if (request.url?.includes('gone')) request.socket.destroy();
        else asked.resolve();
      },
      { withStateKey: lock.withStateKey },
    );
    expect((await put(url, `${statePath}gone`)).status).toBe(502);
    await lock.freed();
    const socket = connect(port, '127.0.0.1');
    socket.write(`PUT ${statePath} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}`);
    await asked.promise;
    socket.destroy();
    await lock.freed();
  });

  test('larger than any event is refused before it is read', async () => {
    const lock = lockOf();
    const { url } = await gatewayBefore(() => {}, { withStateKey: lock.withStateKey });
    const answer = await put(url, statePath, 'x'.repeat(256 * 1024 + 1));
    expect(answer.status).toBe(413);
    expect(lock.keys).toEqual([]);
  });

  test('whose lock fails is answered, not left waiting', async () => {
    const { url } = await gatewayBefore(() => {}, {
      withStateKey: () => Promise.reject(new Error('a detail')),
    });
    const answer = await put(url, statePath);
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('detail');
  });
});

describe('the plain send behind a shared path', () => {
  const path = '/_matrix/client/v3/rooms/!r/send/future/1%2F2?user_id=%40a%3Ab';
  const shared = {
    endpoints: ({ plainSend }: Proxy) => [plainSend.endpoint],
  };
  const authorized = {
    method: 'PUT',
    body: '{"b": 1.0}',
    headers: { Authorization: `Bearer ${alice.accessToken}` },
  };

  test.each([
    '?FUTURE_TIMEOUT=1',
    '?future_timeout=%zz',
    '?a;org%252Ematrix.msc4140.delay=1',
    '&future_timeout=1',
  ])('never goes on with a parameter that delays and that nobody has read: %s', async (end) => {
    let asked = 0;
    const { url } = await gatewayBefore((_request, response) => {
      asked += 1;
      response.end('{}');
    }, shared);
    const answer = await fetch(`${url}/_matrix/client/v3/rooms/!r/send/future/1${end}`, authorized);
    expect([answer.status, asked]).toEqual([404, 0]);
    expect(await answer.json()).toMatchObject({ errcode: 'M_UNRECOGNIZED' });
  });

  test("goes on as it came, with the client's own access token, and its answer comes back", async () => {
    const seen: { request: IncomingMessage; body: string }[] = [];
    const { url, proxy } = await gatewayBefore((request, response) => {
      void text(request).then((body) => {
        seen.push({ request, body });
        response
          .writeHead(429, { 'Retry-After': '2', 'Content-Type': 'application/json' })
          .end('{"errcode":"M_X"}');
      });
    }, shared);
    const answer = await fetch(`${url}${path}`, authorized);
    expect([answer.status, answer.headers.get('retry-after'), await answer.text()]).toEqual([
      429,
      '2',
      '{"errcode":"M_X"}',
    ]);
    expect(seen).toMatchObject([
      {
        body: '{"b": 1.0}',
        request: { method: 'PUT', url: path, headers: { authorization: 'Bearer alices' } },
      },
    ]);
    expect(proxy.plainSend.hasAnswered()).toBe(false);
  });

  test('names its access token once, where the client did', async () => {
    const seen: IncomingMessage[] = [];
    const { url } = await gatewayBefore((request, response) => {
      seen.push(request);
      response.end('{}');
    }, shared);
    const send = '/_matrix/client/v3/rooms/!r/send/future/1?access_token=alices';
    expect((await put(url, send)).status).toBe(200);
    expect(seen).toMatchObject([{ url: send }]);
    expect(seen[0]?.headers.authorization).toBeUndefined();
  });

  test('of a client that has gone meanwhile does not go on', async () => {
    let asked = 0;
    const { proxy } = await gatewayBefore(() => (asked += 1));
    const gone = proxy.plainSend.endpoint.answer({
      ...{ requester: alice, params: {}, query: decodeQuery(''), rawQuery: '', url: path, address: '' },
      accessToken: alice.accessToken,
      readBody: () => Promise.resolve(Buffer.from('{}')),
      watchClient: () => AbortSignal.abort(),
    });
    await expect(gone).rejects.toBeInstanceOf(NoAnswer);
    expect(asked).toBe(0);
  });

  test.each([
    ['before it answers', (response: ServerResponse) => void response.destroy()],
    [
      'in the middle of its answer',
      (response: ServerResponse) => {
        response.write('{');
        setImmediate(() => response.destroy());
      },
    ],
    [
      'by never ending its answer',
      (response: ServerResponse) => void response.end(Buffer.alloc(1024 * 1024 + 1)),
    ],
  ])('is 502 when the homeserver fails %s', async (_name, fail) => {
    const { url } = await gatewayBefore((_request, response) => fail(response), shared);
    expect((await fetch(`${url}${path}`, authorized)).status).toBe(502);
  });
});

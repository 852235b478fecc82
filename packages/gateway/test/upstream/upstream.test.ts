import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { Unanswered, Unreached, Upstream, type UpstreamRequest } from '../../src/upstream/upstream.ts';
import { startHomeserver, timers } from '../homeserver.ts';

const stack: AsyncDisposable[] = [];
afterEach(async () => {
  for (const opened of stack.splice(0).toReversed()) await opened[Symbol.asyncDispose]();
});

/** A server that does as the test says, and how often it was asked and connected to. */
async function serve(listener: RequestListener) {
  const sockets: Socket[] = [];
  const asked: ServerResponse[] = [];
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    asked.push(response);
    listener(request, response);
  });
  server.on('connection', (socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.push({
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not on a port');
  return { url: `http://127.0.0.1:${address.port}`, port: address.port, sockets, asked };
}

function upstreamTo(url: string, itsTimers = timers): Upstream {
  const upstream = new Upstream(url, itsTimers);
  stack.push({ [Symbol.asyncDispose]: async () => upstream.close() });
  return upstream;
}

const question: UpstreamRequest = { method: 'PUT', path: '/x', body: { a: 1 }, limit: 30_000 };

/** Real time, but for the limit of a request, which runs out when the test says so. */
function timersByHand() {
  const limits: (() => void)[] = [];
  return {
    timers: { ...timers, after: (_delay: number, run: () => void) => (limits.push(run), () => {}) },
    runOut: () => {
      for (const run of limits.splice(0)) run();
    },
  };
}

/** Why that came to nothing. */
async function failureOf(upstream: Upstream, request = question): Promise<unknown> {
  return upstream.ask(request).then(
    () => 'answered',
    (error: unknown) => error,
  );
}

test('what is asked arrives as it is: method, path, query, token, headers, body', async () => {
  const arrived: unknown[] = [];
  const { url } = await serve(({ method, url: target, headers }, response) => {
    const { authorization, 'user-agent': agent, 'content-type': type } = headers;
    void text(response.req).then((body) => {
      arrived.push([method, target, authorization, agent, type, body]);
      response.end('{"ok":true}');
    });
  });
  const answer = await upstreamTo(`${url}/behind/`).ask({
    ...{ method: 'POST', path: '/a%2Fb/c', query: { q: 'ü &=', r: '' }, token: 'secret' },
    ...{ headers: { 'User-Agent': 'x' }, body: { b: 'ü' }, limit: 30_000 },
  });
  expect(answer).toMatchObject({ status: 200, body: { ok: true } });
  expect(arrived).toEqual([
    ['POST', '/behind/a%2Fb/c?q=%C3%BC+%26%3D&r=', 'Bearer secret', 'x', 'application/json', '{"b":"ü"}'],
  ]);
});

test('an answer that is no JSON has no body', async () => {
  const { url } = await serve((_, response) => response.writeHead(502).end('<html>'));
  expect(await upstreamTo(url).ask(question)).toMatchObject({ status: 502, body: undefined });
});

describe('nothing has reached the homeserver', () => {
  test('where nobody listens', async () => {
    const homeserver = await startHomeserver(() => null);
    await homeserver.stop();
    expect(await failureOf(upstreamTo(homeserver.url))).toBeInstanceOf(Unreached);
  });

  test('where no TLS connection comes about', async () => {
    const { port, asked } = await serve((_, response) => response.end());
    expect(await failureOf(upstreamTo(`https://127.0.0.1:${port}`))).toBeInstanceOf(Unreached);
    expect(asked).toEqual([]);
  });

  test('where nobody shakes hands in time', async () => {
    const server = createTcpServer(() => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stack.push({ [Symbol.asyncDispose]: async () => void server.close() });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('not on a port');
    const upstream = upstreamTo(`https://127.0.0.1:${address.port}`);
    expect(await failureOf(upstream, { ...question, limit: 100 })).toBeInstanceOf(Unreached);
  });
});

describe('it is not known what has become of a request, that is made once', () => {
  const half = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"event');
  };
  const rows: readonly (readonly [string, RequestListener, boolean])[] = [
    ['whose connection the homeserver ends', (_, response) => void response.destroy(), true],
    ['that gets no answer in time', () => {}, false],
    ['that gets half an answer in time', (_, response) => half(response), false],
    [
      'of whose answer half came',
      (_, response) => {
        half(response);
        response.write('_id', () => response.destroy());
      },
      true,
    ],
  ];
  test.each(rows)('%s', async (_, listener, closedByPeer) => {
    const { url, asked, sockets } = await serve(listener);
    const { timers: byHand, runOut } = timersByHand();
    const failing = failureOf(upstreamTo(url, byHand));
    await expect.poll(() => asked.length).toBe(1);
    if (!closedByPeer) runOut();
    const error = await failing;
    expect(error).toBeInstanceOf(Unanswered);
    expect(error).toMatchObject({ closedByPeer });
    expect(asked).toHaveLength(1);
    // Nothing of it goes on behind.
    await expect.poll(() => sockets.every(({ destroyed }) => destroyed)).toBe(true);
  });

  test('on a connection that was there before', async () => {
    let isFirst = true;
    const { url, asked, sockets } = await serve((_, response) => {
      if (isFirst) response.end('{}');
      else response.destroy();
      isFirst = false;
    });
    const upstream = upstreamTo(url);
    await upstream.ask(question);
    expect(await failureOf(upstream)).toMatchObject({ name: 'HomeserverUnavailable', closedByPeer: true });
    expect([asked.length, sockets.length]).toEqual([2, 1]);
  });

  test('that the homeserver answers by switching protocols', async () => {
    const { url } = await serve(({ socket }) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    });
    expect(await failureOf(upstreamTo(url))).toBeInstanceOf(Unanswered);
  });

  test('whose answer is longer than any should be', async () => {
    const { url, sockets } = await serve((_, response) => void response.end('x'.repeat(17 * 1024 * 1024)));
    expect(await failureOf(upstreamTo(url))).toBeInstanceOf(Unanswered);
    await expect.poll(() => sockets.every(({ destroyed }) => destroyed)).toBe(true);
  });
});

test('a connection is used again, and ended by us before a homeserver would do it', async () => {
  const { url, sockets } = await serve((_, response) => void response.end('{}'));
  const upstream = upstreamTo(url);
  for (let count = 0; count < 3; count += 1) await upstream.ask(question);
  expect(sockets).toHaveLength(1);
  // As long as a homeserver keeps it. Where the machine stands still, timers of this process still run out in order.
  await pause(5_000);
  // What ended meanwhile is read first.
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  expect(sockets[0]?.destroyed).toBe(true);
});

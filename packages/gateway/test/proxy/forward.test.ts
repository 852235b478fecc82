import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { longestSilence } from '../../src/proxy/forward.ts';
import { alice, gatewayBefore, gatewayTo, timers, upstreamOf } from './proxying.ts';

/** Sends raw bytes, reads until the connection ends. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

/** A homeserver that keeps what it was asked, and answers as told. */
function keeping(answer: (response: ServerResponse) => void = (response) => void response.end('{}')) {
  const seen: { request: IncomingMessage; body: string }[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    void text(request).then((body) => {
      seen.push({ request, body });
      answer(response);
    });
  };
  return { seen, listener };
}

const namesOf = ({ rawHeaders }: IncomingMessage): string[] =>
  rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());

describe('a request', () => {
  test.each([
    '/_matrix/client/v3/rooms/%21a%2Fb:c/messages?from=%zz&b=1;2&&x',
    '/_matrix//media/v3/../%2e%2e/download/a%2fb?',
    '/_synapse/admin/v1/[a]|{b}?"c"=<d>',
  ])('goes on with path and query byte for byte: %s', async (path) => {
    const { seen, listener } = keeping();
    const { port } = await gatewayBefore(listener);
    await raw(port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(seen[0]?.request.url).toBe(path);
  });

  test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'SEARCH'])(
    'keeps its method and its body: %s',
    async (method) => {
      const { seen, listener } = keeping(
        (response) => void response.writeHead(201, { 'X-A': 'b' }).end('done'),
      );
      const { port } = await gatewayBefore(listener);
      const body = method === 'HEAD' ? '' : 'some body';
      const sent = httpRequest({ port, method, path: '/x', headers: { 'Content-Length': body.length } });
      sent.end(body);
      const [answer]: IncomingMessage[] = await once(sent, 'response');
      expect(seen[0]).toMatchObject({ request: { method }, body });
      expect(answer).toMatchObject({ statusCode: 201, headers: { 'x-a': 'b' } });
      expect(await text(answer!)).toBe(method === 'HEAD' ? '' : 'done');
    },
  );

  test('keeps headers doubled, and loses those that are between neighbours', async () => {
    const { seen, listener } = keeping();
    const { port } = await gatewayBefore(listener);
    await raw(
      port,
      'GET /x HTTP/1.1\r\nHost: matrix.test\r\nX-Two: 1\r\nX-Two: 2\r\nAuthorization: Bearer t\r\nUser-Agent: Me\r\n' +
        'Connection: close, X-Secret\r\nX-Secret: 1\r\nTE: trailers\r\nUpgrade: h2c\r\nProxy-Authorization: a\r\n' +
        'Keep-Alive: 1\r\n\r\n',
    );
    const request = seen[0]!.request;
    expect(request.headersDistinct).toMatchObject({
      'x-two': ['1', '2'],
      authorization: ['Bearer t'],
      'user-agent': ['Me'],
      host: ['matrix.test'],
    });
    for (const name of ['x-secret', 'te', 'upgrade', 'proxy-authorization', 'keep-alive'])
      expect(namesOf(request)).not.toContain(name);
    expect(request.headers.connection).toBe('keep-alive');
  });

  test('says where it comes from, behind what proxies before us said', async () => {
    const { seen, listener } = keeping();
    const { url, port } = await gatewayBefore(listener);
    await fetch(`${url}/x`);
    const forwarded = {
      'X-Forwarded-For': '10.1.1.1',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'm.org',
    };
    await fetch(`${url}/x`, { headers: forwarded });
    expect(seen.map(({ request }) => request.headers)).toMatchObject([
      {
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': `127.0.0.1:${port}`,
        host: `127.0.0.1:${port}`,
      },
      { 'x-forwarded-for': '10.1.1.1, 127.0.0.1', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'm.org' },
    ]);
  });

  test('names the homeserver itself where the client names nobody', async () => {
    const { seen, listener } = keeping();
    const upstream = await upstreamOf(listener);
    const { port } = await gatewayTo(upstream.port);
    await raw(port, 'GET /x HTTP/1.0\r\n\r\n');
    expect(seen.map(({ request }) => request.headers.host)).toEqual([`127.0.0.1:${upstream.port}`]);
  });

  test('goes under the path of the upstream, and from a whole URL as its path', async () => {
    const { seen, listener } = keeping();
    const upstream = await upstreamOf(listener);
    const { port } = await gatewayTo(0, { upstream: `http://127.0.0.1:${upstream.port}/base/` });
    await raw(port, 'GET http://other.test/x?a=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(seen[0]?.request.url).toBe('/base/x?a=1');
  });

  test('that expects 100-continue gets it, and the homeserver is not asked again', async () => {
    const { seen, listener } = keeping();
    const { port } = await gatewayBefore(listener);
    const sent = httpRequest({ port, method: 'PUT', path: '/x', headers: { Expect: '100-continue' } });
    sent.flushHeaders();
    await once(sent, 'continue');
    sent.end('late');
    await once(sent, 'response');
    expect(seen[0]?.body).toBe('late');
    expect(namesOf(seen[0]!.request)).not.toContain('expect');
  });

  test.each(['POST', 'PUT', 'GET', 'DELETE'])('without a body has none: %s', async (method) => {
    const { seen, listener } = keeping();
    const { port } = await gatewayBefore(listener);
    await raw(port, `${method} /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(seen[0]?.request.headers['transfer-encoding']).toBeUndefined();
    expect(seen[0]?.body).toBe('');
  });

  test('is not judged by what it carries along: a length in its connection header does not hide its body', async () => {
    const { seen, listener } = keeping();
    const { port } = await gatewayBefore(listener);
    await raw(
      port,
      'PUT /x HTTP/1.1\r\nHost: a\r\nConnection: close, Content-Length, Host\r\nContent-Length: 4\r\n\r\nbody',
    );
    expect(seen).toMatchObject([{ body: 'body', request: { headers: { host: 'a' } } }]);
  });
});

describe('an answer', () => {
  test('keeps status, reason, doubled headers, and loses those between neighbours', async () => {
    const { port } = await gatewayBefore((_request, response) => {
      response.writeHead(418, 'Short And Stout', [
        ...[
          'Set-Cookie',
          'a=1',
          'Set-Cookie',
          'b=2',
          'Connection',
          'X-Hop',
          'X-Hop',
          '1',
          'Content-Length',
          '3',
        ],
      ]);
      response.end('tea');
    });
    const answer = await raw(port, 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 418 Short And Stout\r\n/);
    expect(answer).toMatch(/Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n/);
    expect(answer).toMatch(/Content-Length: 3\r\n/);
    expect(answer).not.toMatch(/X-Hop/);
    expect(answer).toMatch(/\r\n\r\ntea$/);
  });

  test.each([204, 304])('without a body ends behind its head: %d', async (status) => {
    const { url } = await gatewayBefore((_request, response) => void response.writeHead(status).end());
    const answer = await fetch(`${url}/x`);
    expect([answer.status, await answer.text()]).toEqual([status, '']);
  });

  test('comes whole after early hints, which do not go on', async () => {
    const { url } = await gatewayBefore((_request, response) => {
      response.writeProcessing();
      response.end('whole');
    });
    expect(await (await fetch(`${url}/x`)).text()).toBe('whole');
  });

  test('in chunks comes as it is written, its head at once', async () => {
    const written: ServerResponse[] = [];
    const { url } = await gatewayBefore((_request, response) => {
      response.writeHead(200).flushHeaders();
      written.push(response);
    });
    const answer = await fetch(`${url}/x`);
    const reader = answer.body!.getReader();
    written[0]!.write('first');
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('first');
    written[0]!.end('second');
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('second');
  });

  test('that breaks off is cut, not ended as if it were whole', async () => {
    const { url } = await gatewayBefore((_request, response) => {
      response.write('half');
      setImmediate(() => response.destroy());
    });
    const answer = await fetch(`${url}/x`);
    await expect(answer.text()).rejects.toThrow('terminated');
  });
});

describe('a hundred megabytes', () => {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const chunks = 1600;

  /** Writes all of it as fast as it is taken, and counts what is written and not yet read. */
  function counting() {
    let underway = 0;
    let most = 0;
    return {
      async writeAll(to: NodeJS.WritableStream): Promise<void> {
        for (let sent = 0; sent < chunks; sent += 1) {
          underway += chunk.length;
          most = Math.max(most, underway);
          if (!to.write(chunk)) await once(to, 'drain');
        }
        to.end();
      },
      async readAll(from: AsyncIterable<Uint8Array>): Promise<number> {
        let size = 0;
        for await (const part of from) {
          size += part.length;
          underway -= part.length;
        }
        return size;
      },
      most: () => most,
    };
  }

  test('go up, and never much of it is underway', async () => {
    const { writeAll, readAll, most } = counting();
    const { port } = await gatewayBefore((request, response) => {
      void readAll(request).then((size) => response.end(String(size)));
    });
    const sent = httpRequest({ port, method: 'POST', path: '/upload' });
    const answered = once(sent, 'response');
    await writeAll(sent);
    const [answer]: IncomingMessage[] = await answered;
    expect(await text(answer!)).toBe(String(chunks * chunk.length));
    expect(most()).toBeLessThan(32 * 1024 * 1024);
  });

  test('come down, and never much of it is underway', async () => {
    const { writeAll, readAll, most } = counting();
    const { url } = await gatewayBefore((_request, response) => void writeAll(response));
    expect(await readAll((await fetch(`${url}/download`)).body!)).toBe(chunks * chunk.length);
    expect(most()).toBeLessThan(32 * 1024 * 1024);
  });

  test('wait at the homeserver while the client does not read', async () => {
    const blocked = Promise.withResolvers<number>();
    const { port } = await gatewayBefore((_request, response) => {
      let written = 0;
      const write = () => {
        while (response.write(chunk)) written += chunk.length;
        blocked.resolve(written);
      };
      write();
      response.on('drain', write);
    });
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await blocked.promise).toBeLessThan(chunks * chunk.length);
    socket.destroy();
  });
});

describe('who goes early', () => {
  test('as a client ends the request to the homeserver at once: while it waits', async () => {
    const asked = Promise.withResolvers<IncomingMessage>();
    const { port } = await gatewayBefore((request) => asked.resolve(request));
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /sync HTTP/1.1\r\nHost: a\r\n\r\n');
    const request = await asked.promise;
    const closed = once(request.socket, 'close');
    socket.destroy();
    await closed;
  });

  test('as a client ends the request to the homeserver at once: in the middle of its body', async () => {
    const asked = Promise.withResolvers<IncomingMessage>();
    const { port } = await gatewayBefore((request) => asked.resolve(request.resume()));
    const socket = connect(port, '127.0.0.1');
    socket.write('PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nbegin');
    const request = await asked.promise;
    const closed = new Promise((resolve) => request.socket.once('close', resolve));
    request.on('error', () => {});
    socket.destroy();
    await closed;
    expect(request.complete).toBe(false);
  });

  test('as a client ends the request to the homeserver at once: in the middle of the answer', async () => {
    const closed = Promise.withResolvers<void>();
    const { port } = await gatewayBefore((_request, response) => {
      response.write('begin');
      response.once('close', () => closed.resolve());
    });
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    socket.destroy();
    await closed.promise;
  });

  test('as a client that falls silent in the middle of its body is 408, and its connection to the homeserver ends', async () => {
    const gone = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    /** The time of silence is short, and begins when the homeserver is asked. */
    const hurried = {
      ...timers,
      after(delay: number, run: () => void) {
        if (delay !== longestSilence) return timers.after(delay, run);
        let cancel = () => {};
        let isOver = false;
        void asked.promise.then(() => {
          if (!isOver) cancel = timers.after(100, run);
        });
        return () => {
          isOver = true;
          cancel();
        };
      },
    };
    const { port } = await gatewayBefore(
      (request) => {
        request.once('close', gone.resolve).resume();
        asked.resolve();
      },
      { timers: hurried },
    );
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /_matrix/media/v3/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 408 /);
    await gone.promise;
    socket.destroy();
  });

  test('as a client that never reads is given up, and one that has nothing to read yet is not', async () => {
    const polled = Promise.withResolvers<ServerResponse>();
    const gone = Promise.withResolvers<void>();
    const { port, url } = await gatewayBefore(
      (request, response) => {
        if (request.url === '/poll') return polled.resolve(response);
        const chunk = Buffer.alloc(64 * 1024);
        const write = () => {
          while (!response.destroyed && response.write(chunk));
        };
        write();
        response.on('drain', write).once('close', gone.resolve);
      },
      { longestUnread: 300 },
    );
    const poll = fetch(`${url}/poll`);
    const nothingYet = await polled.promise;
    // Its time began later, so the poll's is over before.
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n');
    await gone.promise;
    nothingYet.end('news');
    expect(await (await poll).text()).toBe('news');
    socket.destroy();
  });

  test('as a homeserver, before it answers, is 502 that scripts can read, and asked once', async () => {
    let asked = 0;
    const { url } = await gatewayBefore((request) => {
      asked += 1;
      request.socket.destroy();
    });
    const answer = await fetch(`${url}/x`, { method: 'PUT', body: 'x' });
    expect(answer.status).toBe(502);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(await answer.json()).toMatchObject({ errcode: 'M_UNKNOWN' });
    expect(asked).toBe(1);
  });

  test('as a homeserver that answers before it has the whole body is heard, and the connection goes on', async () => {
    const { port } = await gatewayBefore((_request, response) => {
      response.writeHead(413).end('too large');
    });
    const sent = httpRequest({ port, method: 'PUT', path: '/x', headers: { 'Content-Length': 8_000_000 } });
    sent.on('error', () => {});
    sent.write(Buffer.alloc(4_000_000));
    const [answer]: IncomingMessage[] = await once(sent, 'response');
    expect([answer!.statusCode, await text(answer!)]).toEqual([413, 'too large']);
    sent.end(Buffer.alloc(4_000_000));
  });
});

describe('a homeserver that does not speak HTTP as it is written down', () => {
  const empty = 'Content-Length: 0\r\n\r\n';
  const heads = [
    'Hello\r\n\r\n',
    `HTTP/1.1 099 Early\r\n${empty}`,
    `HTTP/1.1 000 Nothing\r\n${empty}`,
    `HTTP/1.1 600 Late\r\n${empty}`,
    `HTTP/1.1 200 O\x01K\r\n${empty}`,
    `HTTP/1.1 200 O\x7fK\r\n${empty}`,
    `HTTP/1.1 200 OK\r\nX: \x01\r\n${empty}`,
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ];

  test.each(heads)('has not answered: %j', async (head) => {
    const { url } = await gatewayBefore((request) => void request.socket.end(Buffer.from(head, 'latin1')), {
      endpoints: ({ plainSend }) => [plainSend.endpoint],
    });
    const client = '/_matrix/client';
    const asked: (readonly [method: string, path: string])[] = [
      ['GET', '/x'],
      ['HEAD', '/x'],
      ['GET', `${client}/versions`],
      ['PUT', `${client}/v3/rooms/!r/state/t/k`],
      ['PUT', `${client}/v3/rooms/!r/send/t/1`],
    ];
    for (const [method, path] of asked) {
      const answer = await fetch(`${url}${path}`, {
        ...{ method, headers: { Authorization: `Bearer ${alice.accessToken}` } },
        ...(method === 'PUT' && { body: '{}' }),
      });
      expect([path, answer.status]).toEqual([path, 502]);
    }
  });

  test('but with a reason in letters of its own has', async () => {
    const { port } = await gatewayBefore(
      (request) => void request.socket.end(Buffer.from(`HTTP/1.1 200 Ol\xe9\r\n${empty}`, 'latin1')),
    );
    expect(await raw(port, 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1.1 200 Ol/,
    );
  });
});

test('syncs that wait can be ended, and nothing else is', async () => {
  const waiting: ServerResponse[] = [];
  const all = Promise.withResolvers<void>();
  const { url, proxy } = await gatewayBefore((_request, response) => {
    if (waiting.push(response) === 3) all.resolve();
  });
  const sync = fetch(`${url}/_matrix/client/v3/sync?timeout=30000`);
  const sliding = fetch(`${url}/_matrix/client/unstable/org.matrix.simplified_msc3575/sync`, {
    method: 'POST',
  });
  const other = fetch(`${url}/_matrix/client/v3/rooms/!r/messages`);
  await all.promise;
  proxy.endPolls();
  expect([(await sync).status, (await sliding).status]).toEqual([502, 502]);
  for (const response of waiting) response.end();
  expect((await other).status).toBe(200);
});

test('a homeserver that cannot be reached is 502, whatever is asked of it', async () => {
  const upstream = await upstreamOf(() => {});
  upstream.stop();
  const { url } = await gatewayTo(upstream.port);
  for (const init of [{ method: 'GET' }, { method: 'PUT', body: 'x'.repeat(100_000) }]) {
    const answer = await fetch(`${url}/_matrix/client/v3/anything`, init);
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([502, '*']);
    expect(await answer.json()).toMatchObject({ errcode: 'M_UNKNOWN' });
  }
});

test('connections to the homeserver are kept for the next request, and bounded in number', async () => {
  const sockets = new Set<unknown>();
  const waiting: ServerResponse[] = [];
  const two = Promise.withResolvers<void>();
  const { url } = await gatewayBefore(
    (request, response) => {
      sockets.add(request.socket);
      if (request.url === '/wait') waiting.push(response);
      else response.end('ok');
      if (waiting.length === 2) two.resolve();
    },
    { connections: 2 },
  );
  for (let index = 0; index < 5; index += 1) await (await fetch(`${url}/x`)).text();
  expect(sockets.size).toBe(1);
  const polls = [fetch(`${url}/wait`), fetch(`${url}/wait`)];
  await two.promise;
  const third = fetch(`${url}/x`);
  for (const response of waiting) response.end();
  expect((await third).status).toBe(200);
  await Promise.all(polls);
  expect(sockets.size).toBe(2);
});

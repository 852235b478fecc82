import pino from 'pino';
import { Type } from 'typebox';
import { describe, expect, test } from 'vitest';
import { type Authenticate, createServer, type Endpoint, endpoint, MatrixError } from '@matrix-futures/http';
import { type RawAnswer, request } from './connection.ts';
import { HandTimers } from './hand-timers.ts';
import { alice, serve, type Serving } from './serving.ts';

/** An endpoint whose handler says when it runs, and answers when it is told to. */
function waiting(path: string) {
  const entered = Promise.withResolvers<AbortSignal>();
  const release = Promise.withResolvers<void>();
  const waits = endpoint({
    method: ['GET', 'POST'],
    paths: [path],
    authentication: 'none',
    handle: async (call) => {
      expect(call.signal).toBe(call.signal);
      entered.resolve(call.signal);
      await release.promise;
      return { body: { waited: true } };
    },
  });
  return { waits, entered: entered.promise, release: () => release.resolve() };
}

const ok = endpoint({ method: 'GET', paths: ['/ok/:id'], authentication: 'none', handle: () => ({}) });
const secured = endpoint({
  method: 'GET',
  paths: ['/secured'],
  authentication: 'required',
  handle: () => ({}),
});
const take = endpoint({
  method: 'PUT',
  paths: ['/take'],
  authentication: 'none',
  body: Type.Object({}),
  handle: (call) => ({ body: call.body() }),
});
const throwing = (path: string, thrown: unknown): Endpoint =>
  endpoint({
    method: 'GET',
    paths: [path],
    authentication: 'none',
    handle: () => {
      throw thrown;
    },
  });

/** An endpoint with a body, and an authentication that says when it is asked and waits to be released. */
function slowToAuthenticate() {
  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const securedTake = endpoint({
    method: 'PUT',
    paths: ['/take'],
    authentication: 'required',
    body: Type.Object({}),
    handle: (call) => ({ body: call.body() }),
  });
  const authenticate: Authenticate = async () => {
    asked.resolve();
    await release.promise;
    return alice;
  };
  return { securedTake, authenticate, asked: asked.promise, release: () => release.resolve() };
}

/** After what the event loop has to do now. */
const soon = () => new Promise<'soon'>((resolve) => void setImmediate(() => resolve('soon')));

/** Waits until a closing server takes no more connections. */
async function stopped({ connect }: Serving): Promise<void> {
  for (;;) {
    const connection = await connect().catch(() => null);
    if (connection === null) return;
    connection.abort();
  }
}

const summary = ({ status, json }: RawAnswer) => [status, json.errcode];

describe('every answer', () => {
  const endpoints = [ok, secured, take, throwing('/broken', new Error('a secret'))];
  const long = 'x'.repeat(9000);

  test.each([
    ['a success', 200, undefined, request('GET', '/ok/1')],
    ['a preflight', 200, undefined, request('OPTIONS', '/nowhere/%zz')],
    ['a missing token', 401, 'M_MISSING_TOKEN', request('GET', '/secured')],
    ['an unknown path', 404, 'M_UNRECOGNIZED', request('GET', '/nowhere')],
    ['an unknown method of a path', 405, 'M_UNRECOGNIZED', request('DELETE', '/take')],
    ['a rare method', 405, 'M_UNRECOGNIZED', request('PROPFIND', '/take')],
    ['an unknown method', 405, 'M_UNRECOGNIZED', request('GARBLE', '/take')],
    ['a tunnel', 405, 'M_UNRECOGNIZED', request('CONNECT', 'localhost:22')],
    ['an undecodable path', 400, 'M_INVALID_PARAM', request('GET', '/ok/%zz')],
    ['a body too large', 413, 'M_TOO_LARGE', request('PUT', '/take', { 'Content-Length': '1048577' })],
    ['a URL too long', 414, 'M_TOO_LARGE', request('GET', `/ok/1?q=${long}`)],
    ['headers too large', 431, 'M_TOO_LARGE', request('GET', '/ok/1', { 'X-A': long, 'X-B': long })],
    ['something broken', 500, 'M_UNKNOWN', request('GET', '/broken')],
    ['an unknown version of HTTP', 400, 'M_UNKNOWN', 'GET /ok/1 HTTP/7.0\r\n\r\n'],
    ['binary rubbish', 405, 'M_UNRECOGNIZED', '\x16\x03\x01\x02\x00\x01\x00'],
    [
      'two lengths',
      400,
      'M_UNKNOWN',
      request('PUT', '/take', { 'Content-Length': '1', 'content-length': '2' }),
    ],
    [
      'a length and chunks',
      400,
      'M_UNKNOWN',
      request('PUT', '/take', { 'Content-Length': '1', 'Transfer-Encoding': 'chunked' }),
    ],
    [
      'a chunk that is none',
      400,
      'M_UNKNOWN',
      request('PUT', '/take', { 'Transfer-Encoding': 'chunked' }, 'zz\r\n'),
    ],
  ])('%s may be read by scripts of any origin, and is JSON', async (_name, status, errcode, text) => {
    const { connect } = await serve({ endpoints });
    const connection = await connect();
    connection.send(text);
    const answer = await connection.answer();
    expect(answer).toMatchObject({
      status,
      headers: {
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
        'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization',
        'content-type': expect.stringMatching(/^application\/json/),
      },
    });
    expect(answer?.json.errcode).toBe(errcode);
    expect(answer?.text).not.toContain('secret');
  });

  test('to HEAD is that to GET without its body', async () => {
    const { ask } = await serve({ endpoints: [ok, take] });
    expect(await ask('HEAD', '/ok/1')).toMatchObject({
      status: 200,
      text: '',
      headers: { 'content-length': '2' },
    });
    expect(await ask('HEAD', '/take')).toMatchObject({ status: 405, text: '', headers: { allow: 'PUT' } });
  });

  test('says how long its connection is kept', async () => {
    const { ask } = await serve({ endpoints: [ok] });
    expect((await ask('GET', '/ok/1')).headers['keep-alive']).toBe('timeout=75');
  });

  test('about a path takes its dots for dots', async () => {
    const { ask } = await serve({ endpoints: [{ ...ok, paths: ['/.well-known/:id'] }] });
    expect((await ask('POST', '/.well-known/a')).status).toBe(405);
    expect((await ask('POST', '/Xwell-known/a')).status).toBe(404);
  });

  test('that refuses a method names those there are', async () => {
    const { ask } = await serve({ endpoints: [ok, { ...ok, methods: ['PUT'] }] });
    expect((await ask('POST', '/ok/1')).headers.allow).toBe('GET, PUT, HEAD');
  });
});

describe('headers that ask for something else', () => {
  test.each([
    ['Expect: 100-continue, which is answered', { Expect: '100-continue' }, [100, 200]],
    ['Expect: something else', { Expect: 'tea' }, [200]],
    [
      'an upgrade to HTTP/2',
      { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AA' },
      [200],
    ],
    ['a version of the API', { 'Accept-Version': '2.x' }, [200]],
  ])('are let be: %s', async (_name, headers, statuses) => {
    const { connect } = await serve({ endpoints: [take] });
    const connection = await connect();
    connection.send(request('PUT', '/take', headers, '{}'));
    for (const status of statuses) expect((await connection.answer())?.status).toBe(status);
  });
});

test('nothing depends on the Host, which may be missing', async () => {
  const { connect } = await serve({ endpoints: [ok] });
  const connection = await connect();
  connection.send('GET /ok/1 HTTP/1.1\r\n\r\n');
  expect((await connection.answer())?.status).toBe(200);
});

describe('a body', () => {
  const limits = { body: 100, bodyTime: 70 };
  const chunked = { 'Transfer-Encoding': 'chunked' };

  test('of exactly the limit is taken, of one byte more refused; the connection goes on', async () => {
    const { connect } = await serve({ endpoints: [take], limits });
    const connection = await connect();
    for (const [size, status] of [
      [100, 200],
      [101, 413],
      [100, 200],
    ] as const) {
      connection.send(request('PUT', '/take', {}, `{${' '.repeat(size - 2)}}`));
      expect((await connection.answer())?.status).toBe(status);
    }
  });

  test('in chunks is taken, and refused as soon as they are too much', async () => {
    const { connect } = await serve({ endpoints: [take], limits });
    const connection = await connect();
    connection.send(request('PUT', '/take', chunked, '1\r\n{\r\n1\r\n}\r\n0\r\n\r\n'));
    expect(await connection.answer()).toMatchObject({ status: 200, json: {} });
    connection.send(request('PUT', '/take', chunked, `c8\r\n${' '.repeat(200)}\r\n`));
    expect(summary((await connection.answer())!)).toEqual([413, 'M_TOO_LARGE']);
    connection.send(`0\r\n\r\n${request('PUT', '/take', {}, '{}')}`);
    expect((await connection.answer())?.status).toBe(200);
  });

  test('in many pieces is put together', async () => {
    const { connect } = await serve({ endpoints: [take], limits });
    const connection = await connect();
    const text = request('PUT', '/take', {}, '{"a":"é"}');
    for (const byte of Buffer.from(text)) connection.send(Buffer.of(byte));
    expect((await connection.answer())?.json).toEqual({ a: 'é' });
  });

  test('that takes too long is 408, and ends the connection', async () => {
    const { connect, timers } = await serve({ endpoints: [take], limits });
    const connection = await connect();
    connection.send(request('PUT', '/take', { 'Content-Length': '50' }, '{'));
    await timers.armed(70);
    timers.fire(70);
    const answer = await connection.answer();
    expect(summary(answer!)).toEqual([408, 'M_UNKNOWN']);
    expect(answer?.headers).toMatchObject({ 'access-control-allow-origin': '*', connection: 'close' });
    await connection.ended();
  });

  test('that nobody wants does not delay the answer, and may not go on for ever behind it', async () => {
    const { connect, timers } = await serve({ endpoints: [secured], limits });
    for (const [text, status] of [
      [request('PUT', '/nowhere', { 'Content-Length': '50' }, '{'), 404],
      [request('OPTIONS', '/', chunked), 200],
      [request('GET', '/secured', chunked), 401],
      [request('PUT', '/secured', { 'Content-Length': '1000' }), 405],
    ] as const) {
      const connection = await connect();
      connection.send(text);
      expect((await connection.answer())?.status).toBe(status);
      timers.fire(70);
      await connection.ended();
    }
  });

  test('that arrived in time leaves no timer behind', async () => {
    const { connect, timers } = await serve({ endpoints: [take, ok], limits });
    const connection = await connect();
    connection.send(
      request('PUT', '/take', {}, '{}') + request('PUT', '/nowhere', {}, '{}') + request('GET', '/ok/1'),
    );
    for (const status of [200, 404, 200]) expect((await connection.answer())?.status).toBe(status);
    expect(timers.count(70)).toBe(0);
  });

  test('may be there for as long as its answer takes', async () => {
    const { waits, entered, release } = waiting('/wait');
    const { connect, timers } = await serve({ endpoints: [waits], limits });
    const connection = await connect();
    connection.send(request('POST', '/wait', {}, '{}'));
    await entered;
    await soon(); // the body is read behind the headers
    timers.fire(70);
    release();
    expect(await connection.answer()).toMatchObject({ status: 200, headers: { connection: 'keep-alive' } });
  });

  test('is not waited for by an endpoint that takes none', async () => {
    const { connect } = await serve({ endpoints: [ok] });
    const connection = await connect();
    connection.send(request('GET', '/ok/1', { 'Content-Length': '50' }, '{'));
    expect((await connection.answer())?.status).toBe(200);
  });

  test('that is late before anybody asks for it gets its time once more, and no longer', async () => {
    const { securedTake, asked, release, authenticate } = slowToAuthenticate();
    const { connect, timers } = await serve({ endpoints: [securedTake], limits, authenticate });
    const connection = await connect();
    connection.send(request('PUT', '/take', { Authorization: 'Bearer a', 'Content-Length': '50' }, '{'));
    await asked;
    timers.fire(70);
    release();
    const late = connection.answer();
    while ((await Promise.race([late, soon()])) === 'soon') timers.fire(70);
    expect((await late)?.status).toBe(408);
  });

  test('that ended before anybody asks for it leaves nothing hanging', async () => {
    const { securedTake, asked, release, authenticate } = slowToAuthenticate();
    const answered = Promise.withResolvers<unknown>();
    const watched: Endpoint = {
      ...securedTake,
      answer: (incoming) => {
        const answer = securedTake.answer(incoming);
        answer.catch(answered.resolve);
        return answer;
      },
    };
    const { connect, ask, timers } = await serve({ endpoints: [watched, ok], limits, authenticate });
    const connection = await connect();
    connection.send(request('PUT', '/take', { Authorization: 'Bearer a', 'Content-Length': '50' }, '{'));
    await asked;
    connection.abort();
    while (timers.count(70) > 0) await ask('GET', '/ok/1');
    release();
    expect(await answered.promise).toMatchObject({ status: 400 });
  });

  test('that ends early reaches no handler, and is no failure of ours', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
    let handled = 0;
    const counted: Endpoint = {
      ...take,
      answer: (incoming) => take.answer(incoming).finally(() => (handled += 1)),
    };
    const calls = endpoint({
      method: 'PUT',
      paths: ['/calls'],
      authentication: 'none',
      body: Type.Object({}),
      handle: () => {
        throw new Error('must not be called');
      },
    });
    const { connect, ask, timers } = await serve({ endpoints: [counted, calls, ok], limits, logger });
    for (const path of ['/take', '/calls']) {
      const connection = await connect();
      connection.send(request('PUT', path, { 'Content-Length': '50' }, '{'));
      await timers.armed(70);
      connection.abort();
      while (timers.count(70) > 0) await ask('GET', '/ok/1');
    }
    expect(handled).toBe(1);
    expect(lines.filter((line) => line.includes('"level":50'))).toEqual([]);
  });
});

describe('a connection', () => {
  test('answers in order what was asked in one go', async () => {
    const { waits, release } = waiting('/wait');
    const { connect } = await serve({ endpoints: [waits, ok] });
    const connection = await connect();
    connection.send(request('GET', '/wait') + request('GET', '/ok/1') + request('GET', '/nowhere'));
    release();
    const texts = [];
    for (let count = 0; count < 3; count += 1) texts.push((await connection.answer())?.status);
    expect(texts).toEqual([200, 200, 404]);
  });

  test('gets no answer to rubbish before the answer that is due', async () => {
    const { waits, entered } = waiting('/wait');
    const { connect } = await serve({ endpoints: [waits] });
    const connection = await connect();
    connection.send(request('GET', '/wait'));
    await entered;
    connection.send('rubbish\r\n\r\n');
    expect(await connection.answer()).toBeNull();
  });

  test('that goes away aborts the signal of its request', async () => {
    const { waits, entered } = waiting('/wait');
    const { connect } = await serve({ endpoints: [waits] });
    const connection = await connect();
    connection.send(request('GET', '/wait'));
    const signal = await entered;
    expect(signal.aborted).toBe(false);
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    connection.abort();
    await aborted;
  });

  test('that has gone gives a signal that is aborted already', async () => {
    const told = Promise.withResolvers<boolean>();
    const watching: Endpoint = {
      ...ok,
      answer: (incoming) => {
        incoming.watchClient().addEventListener('abort', () => told.resolve(incoming.watchClient().aborted));
        return new Promise(() => {});
      },
    };
    const { connect, ask } = await serve({ endpoints: [watching] });
    const connection = await connect();
    connection.send(request('GET', '/ok/1'));
    await ask('GET', '/nowhere');
    connection.abort();
    expect(await told.promise).toBe(true);
  });

  test('that stays does not', async () => {
    const { waits, entered, release } = waiting('/wait');
    const { connect } = await serve({ endpoints: [waits, ok] });
    const connection = await connect();
    connection.send(request('GET', '/wait'));
    const signal = await entered;
    release();
    await connection.answer();
    connection.send(request('GET', '/ok/1'));
    await connection.answer();
    expect(signal.aborted).toBe(false);
  });
});

describe('a failure', () => {
  const failing = [
    throwing('/futures/:token', new TypeError('a detail')),
    throwing('/nothing', undefined),
    throwing('/text', 'a detail'),
    throwing('/away', new RangeError('the disk is full')),
    endpoint({
      method: 'GET',
      paths: ['/header'],
      authentication: 'none',
      handle: () => ({ headers: { 'X-A': 'a\nb' } }),
    }),
    endpoint({
      method: 'GET',
      paths: ['/cycle'],
      authentication: 'none',
      handle: () => ({ body: { big: 1n } }),
    }),
  ];

  test.each(['/futures/x', '/nothing', '/text', '/cycle'])('tells nothing: %s', async (path) => {
    const { ask } = await serve({ endpoints: failing });
    expect(await ask('GET', path)).toMatchObject({
      status: 500,
      json: { errcode: 'M_UNKNOWN', error: 'Internal server error' },
    });
  });

  test('of the authentication is answered like any other', async () => {
    const authenticate = () => Promise.reject(new Error('a detail'));
    const { ask } = await serve({ endpoints: [secured], authenticate });
    expect((await ask('GET', '/secured', { Authorization: 'Bearer a' })).json.error).toBe(
      'Internal server error',
    );
  });

  test('does not take the server down', async () => {
    const { ask } = await serve({ endpoints: [...failing, ok] });
    await ask('GET', '/header');
    expect((await ask('GET', '/ok/1')).status).toBe(200);
  });

  test('of another package is worded by whoever knows it', async () => {
    const translate = (error: unknown) =>
      error instanceof RangeError ? new MatrixError('storeUnavailable', 'Try again later') : null;
    const { ask } = await serve({ endpoints: failing, translate });
    expect(summary(await ask('GET', '/away'))).toEqual([503, 'M_UNKNOWN']);
    expect(summary(await ask('GET', '/text'))).toEqual([500, 'M_UNKNOWN']);
  });

  test('is logged, and nothing that is logged holds a token', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
    const { ask, server } = await serve({ endpoints: [...failing, ok, secured], logger });
    const tokens = ['?access_token=hush', '/hush', '/hush%zz', `/hush?${'x'.repeat(9000)}`];
    for (const token of tokens) {
      for (const path of ['/futures', '/ok', '/secured', '/nowhere']) {
        await ask('GET', `${path}${token}`, { Authorization: 'Bearer hush' });
      }
    }
    await server.close();
    const logged = lines.map((line) => JSON.parse(line));
    expect(logged).toContainEqual(
      expect.objectContaining({
        level: 50,
        method: 'GET',
        path: '/futures/:token',
        request: expect.any(String),
        err: expect.objectContaining({ type: 'TypeError', message: 'a detail' }),
      }),
    );
    expect(logged).toContainEqual(expect.objectContaining({ level: 20, path: '/ok/:id', status: 200 }));
    expect(lines.join('\n')).not.toContain('hush');
  });
});

describe('closing', () => {
  test('lets what is in flight finish, then ends its connection', async () => {
    const { waits, entered, release } = waiting('/wait');
    const serving = await serve({ endpoints: [waits] });
    const { connect, server, timers } = serving;
    const connection = await connect();
    connection.send(request('GET', '/wait'));
    await entered;
    const closed = server.close();
    await stopped(serving);
    release();
    expect((await connection.answer())?.json).toEqual({ waited: true });
    timers.fire(20);
    await connection.ended();
    await closed;
  });

  test('accepts no new connection, and ends the old ones after their next answer', async () => {
    const { waits, entered, release } = waiting('/wait');
    const serving = await serve({ endpoints: [waits] });
    const { connect, server, timers } = serving;
    const connection = await connect();
    connection.send(request('GET', '/wait'));
    await entered;
    const closed = server.close();
    await stopped(serving);
    connection.send(request('GET', '/wait'));
    release();
    await connection.answer();
    expect(await connection.answer()).toMatchObject({ status: 200, headers: { connection: 'close' } });
    await connection.ended();
    timers.fire(20);
    await closed;
  });

  test('ends idle connections at once', async () => {
    const { connect, server } = await serve({ endpoints: [ok] });
    const connection = await connect();
    connection.send(request('GET', '/ok/1'));
    await connection.answer();
    await server.close();
    expect(await connection.answer()).toBeNull();
  });

  test('tells long polls first, once, however often it is asked for', async () => {
    const { waits, entered, release } = waiting('/wait');
    const { connect, server, timers } = await serve({ endpoints: [waits] });
    let told = 0;
    server.onClosing(() => {
      told += 1;
      release();
    });
    const connection = await connect();
    connection.send(request('GET', '/wait'));
    await entered;
    const closed = [server.close(), server.close()];
    expect((await connection.answer())?.status).toBe(200);
    timers.fire(20);
    await Promise.all(closed);
    expect(told).toBe(1);
  });

  test('waits no longer than its limit', async () => {
    const { waits, entered } = waiting('/wait');
    const { connect, server, timers } = await serve({ endpoints: [waits], limits: { closing: 500 } });
    const connection = await connect();
    connection.send(request('GET', '/wait'));
    await entered;
    const closed = server.close();
    timers.fire(500);
    await closed;
    expect(await connection.answer()).toBeNull();
  });

  test('leaves no timer behind', async () => {
    const { server, timers } = await serve({ endpoints: [] });
    await server.close();
    expect([timers.count(20), timers.count(10_000)]).toEqual([0, 0]);
  });
});

test('a port that is taken is an error to whoever wants to listen', async () => {
  const { port } = await serve({});
  const other = await createServer({ endpoints: [], timers: new HandTimers(), authenticate: () => null });
  await expect(other.listen('127.0.0.1', port)).rejects.toThrow(/EADDRINUSE/);
  await other.close();
});

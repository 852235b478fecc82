import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { exchange } from './exchange.ts';
import { proxies } from './install.ts';
import { type ProxyProcess, startProxy } from './proxy-process.ts';
import { Recorder } from './recorder.ts';
import { delayed, plain } from './spellings.ts';

const gateway = new Recorder('gateway');
const homeserver = new Recorder('homeserver');
let proxy: ProxyProcess;

const ask = (method: string, path: string, options = {}) => exchange(proxy.url, method, path, options);
const urls = (server: Recorder) => server.take().map(({ method, url }) => `${method} ${url}`);

async function start(name: (typeof proxies)[number], front: 'paths' | 'all'): Promise<void> {
  await gateway.start();
  await homeserver.start();
  proxy = await startProxy(name, { front, gateway: gateway.url, homeserver: homeserver.url });
  forget();
}

async function stop(): Promise<void> {
  await proxy[Symbol.asyncDispose]();
  await gateway.stop();
  await homeserver.stop();
}

function forget(): void {
  gateway.take();
  homeserver.take();
}
afterEach(forget);

/** With the gateway stopped, and back before the next. */
async function withoutGateway(run: () => Promise<void>): Promise<void> {
  await gateway.stop();
  try {
    await run();
  } finally {
    await gateway.start();
    await expect.poll(async () => (await ask('GET', '/_matrix/client/v3/futures')).status).toBe(200);
  }
}

const cors = {
  'access-control-allow-origin': '*',
  'content-type': expect.stringContaining('application/json'),
};
const refused = { headers: cors, body: { errcode: 'M_UNKNOWN' } };

describe.each(proxies)("%s with the rules for the gateway's paths alone", (name) => {
  beforeAll(() => start(name, 'paths'));
  afterAll(stop);

  test.each(delayed)('the gateway gets %s %s, byte for byte', async (method, path) => {
    await ask(method, path);
    expect(urls(homeserver)).toEqual([]);
    expect(urls(gateway)).toContain(`${method} ${path}`);
  });

  test.each(plain)('the homeserver gets %s %s, byte for byte', async (method, path) => {
    const { body } = await ask(method, path);
    expect(body.server).toBe('homeserver');
    expect(urls(homeserver)).toEqual([`${method} ${path}`]);
    expect(urls(gateway)).toEqual([]);
  });

  it('shows nobody where the homeserver tells the gateway of new state', async () => {
    for (const path of [
      '/_matrix/app/v1/transactions/1',
      '/_matrix/%61pp/v1/transactions/1',
      '/_matrix//app/v1/ping',
    ]) {
      expect(await ask('PUT', path)).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
    }
    expect([...urls(gateway), ...urls(homeserver)]).toEqual([]);
  });

  it("refuses what is the gateway's while that is away, in a way that clients understand, and sends nothing at once", async () => {
    await withoutGateway(async () => {
      for (const [method, path] of delayed) {
        if (path.endsWith('/versions')) continue;
        const answer = await ask(method, path);
        expect(answer, path).toMatchObject(refused);
        expect(answer.status).toBeGreaterThanOrEqual(502);
      }
      expect(urls(homeserver)).toEqual([]);
    });
  });

  it('lets a browser see that refusal: preflights are answered, too', async () => {
    await withoutGateway(async () => {
      const { status, headers } = await ask('OPTIONS', delayed[0]?.[1] ?? '');
      expect(status).toBeLessThan(300);
      expect(headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-allow-headers': expect.stringContaining('Authorization'),
        'access-control-allow-methods': expect.stringContaining('PUT'),
      });
    });
  });

  it('takes messages all the same while the gateway is away', async () => {
    await withoutGateway(async () => {
      const { status } = await ask('PUT', plain[0]?.[1] ?? '');
      expect(status).toBe(200);
    });
  });

  it('answers /versions while the gateway restarts, with and without login', async () => {
    const login = { headers: { authorization: 'Bearer HUSH' } };
    await ask('GET', '/_matrix/client/versions', login);
    await ask('GET', '/_matrix/client/versions');
    await gateway.stop();
    const answers = Promise.all([
      ask('GET', '/_matrix/client/versions', login),
      ask('GET', '/_matrix/client/versions'),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await gateway.start();
    for (const { status, body } of await answers) {
      expect(status).toBe(200);
      expect(body).toMatchObject({ server: 'gateway' });
    }
  });

  it("never tells one client the /versions of another's login", async () => {
    await ask('GET', '/_matrix/client/versions', { headers: { authorization: 'Bearer HUSH' } });
    const { body } = await ask('GET', '/_matrix/client/versions');
    expect(body.login).toBeNull();
  });

  it('logs neither tokens, nor delay ids, nor queries, also when the gateway is away', async () => {
    await ask('GET', '/_matrix/client/v3/sync?since=seen');
    for (const [method, path] of [...delayed, ...plain])
      if (/SECRET|HUSH/.test(path)) await ask(method, path);
    await withoutGateway(async () => {
      for (const [method, path] of delayed) if (path.includes('SECRET')) await ask(method, path);
    });
    await expect.poll(() => proxy.logged()).toContain('/_matrix/client/v3/sync');
    await expect.poll(() => proxy.logged()).toContain('/_matrix/client/v1/delayed_events/***');
    expect(proxy.logged()).not.toMatch(/SECRET|HUSH/);
  });

  it('tells both servers who asked, whatever they say, and by which name', async () => {
    const headers = {
      ...{ host: 'matrix.example.org', authorization: 'Bearer HUSH', 'user-agent': 'Element' },
      'x-forwarded-for': '192.0.2.1',
    };
    await ask('GET', '/_matrix/client/v3/futures', { headers });
    await ask('GET', '/_matrix/client/v3/sync', { headers });
    for (const server of [gateway, homeserver]) {
      const [one] = server.take();
      expect(one?.headers).toMatchObject({
        ...{ host: 'matrix.example.org', authorization: 'Bearer HUSH', 'user-agent': 'Element' },
        'x-forwarded-for': '127.0.0.1',
      });
    }
  });

  it('passes big uploads on', async () => {
    const body = Buffer.alloc(20 * 1024 * 1024);
    const answer = await ask('POST', '/_matrix/media/v3/upload', { body });
    expect(answer).toMatchObject({ status: 200, body: { server: 'homeserver', bytes: body.length } });
  });
});

describe.each(proxies)('%s with the rules for everything', (name) => {
  beforeAll(() => start(name, 'all'));
  afterAll(stop);

  test.each([...delayed, ...plain.filter(([, path]) => !/federation|key\//.test(path))])(
    'the gateway gets %s %s, byte for byte',
    async (method, path) => {
      await ask(method, path);
      expect(urls(gateway)).toContain(`${method} ${path}`);
      expect(urls(homeserver)).toEqual([]);
    },
  );

  it('leaves other homeservers to the homeserver', async () => {
    await ask('PUT', '/_matrix/federation/v1/send/12?x');
    expect(urls(homeserver)).toEqual(['PUT /_matrix/federation/v1/send/12?x']);
  });

  it('shows nobody where the homeserver tells the gateway of new state', async () => {
    expect((await ask('PUT', '/_matrix/app/v1/transactions/1')).status).toBe(404);
    expect(urls(gateway)).toEqual([]);
  });

  it('refuses everything while the gateway is away', async () => {
    await withoutGateway(async () => {
      expect(await ask('PUT', plain[0]?.[1] ?? '')).toMatchObject(refused);
      expect(urls(homeserver)).toEqual([]);
    });
  });

  it('joins a WebSocket through', async () => {
    const { hostname, port } = new URL(proxy.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      'GET /_matrix/client/unstable/socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    let read = '';
    socket.on('data', (chunk) => (read += String(chunk)));
    await expect.poll(() => read).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\n$/);
    socket.write('hello');
    await expect.poll(() => read).toMatch(/\r\n\r\nhello$/);
    socket.destroy();
  });
});

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { type Gateway, gatewayTo, upstreamOf } from './proxying.ts';

const ask = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: matrix.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n` +
  'Sec-WebSocket-Key: key\r\nSec-WebSocket-Version: 13\r\n\r\n';

/** A homeserver that agrees to every WebSocket, and says everything back in capitals. */
async function agreeing() {
  const upstream = await upstreamOf((_request, response) => void response.writeHead(426).end('no sockets'));
  const sockets: Duplex[] = [];
  const urls: unknown[] = [];
  upstream.server.on('upgrade', (request, socket, head) => {
    urls.push(request.url, request.headers.host, request.headers['x-forwarded-for']);
    const accept = createHash('sha1').update(String(request.headers['sec-websocket-key'])).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
    if (head.length > 0) socket.write(head.toString().toUpperCase());
    sockets.push(socket);
  });
  return { upstream, sockets, urls };
}

function talk({ port }: Gateway, path: string, more = '') {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(ask(path) + more);
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  const until = async (part: string) => {
    while (!received.includes(part)) await once(socket, 'data');
    return received;
  };
  return { socket, until };
}

describe('a WebSocket', () => {
  test('is joined with the homeserver in both directions, from the first byte behind the request', async () => {
    const { upstream, urls } = await agreeing();
    const { socket, until } = talk(await gatewayTo(upstream.port), '/_matrix/a%2Fb?c=d', 'early');
    const head = await until('EARLY');
    expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(head.toLowerCase()).toMatch(/upgrade: websocket\r\n/);
    expect(head).toMatch(/Sec-WebSocket-Accept: \S+\r\n/);
    socket.write('later');
    await until('LATER');
    expect(urls).toEqual(['/_matrix/a%2Fb?c=d', 'matrix.test', '127.0.0.1']);
    socket.destroy();
  });

  test.each([
    'HTTP/1.1 101 Switching\x01\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 099 Early\r\nContent-Length: 0\r\n\r\n',
    'Hello\r\n\r\n',
  ])('is refused when the homeserver answers what nobody may say: %j', async (answer) => {
    const upstream = await upstreamOf(() => {});
    upstream.server.on('upgrade', (_request, socket) => void socket.end(answer));
    const { socket, until } = talk(await gatewayTo(upstream.port), '/x');
    expect(await until('\r\n\r\n{')).toMatch(/^HTTP\/1\.1 502 /);
    socket.destroy();
  });

  test('ends on either side when it ends on the other', async () => {
    const { upstream, sockets } = await agreeing();
    const gateway = await gatewayTo(upstream.port);
    const first = talk(gateway, '/1');
    await first.until('\r\n\r\n');
    const upstreamEnded = once(sockets[0]!, 'end');
    first.socket.destroy();
    await upstreamEnded;

    const second = talk(gateway, '/2');
    await second.until('\r\n\r\n');
    const clientClosed = new Promise((resolve) => second.socket.once('close', resolve));
    sockets[1]!.destroy();
    await clientClosed;
  });

  test('that the homeserver does not want gets its answer', async () => {
    const upstream = await upstreamOf((_request, response) => void response.writeHead(426).end('no sockets'));
    const { socket } = talk(await gatewayTo(upstream.port), '/');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 426 [^]*no sockets$/);
  });

  test('to a homeserver that cannot be reached is 502', async () => {
    const { upstream } = await agreeing();
    upstream.stop();
    const { socket } = talk(await gatewayTo(upstream.port), '/');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 502 [^]*"errcode":"M_UNKNOWN"/);
  });

  test('with a body is refused: the homeserver would take the next request on the connection for it', async () => {
    const { upstream, urls } = await agreeing();
    const gateway = await gatewayTo(upstream.port);
    for (const framing of ['Content-Length: 40', 'Transfer-Encoding: chunked']) {
      const socket = connect(gateway.port, '127.0.0.1');
      socket.write(ask('/x').replace('Sec-WebSocket-Key: key', framing));
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 [^]*M_UNKNOWN/);
    }
    expect(urls).toEqual([]);
  });

  test('neither carries a delayed request past the guard, nor passes a front for paths', async () => {
    const { upstream, urls } = await agreeing();
    const delayed = talk(await gatewayTo(upstream.port), '/x?future_timeout=1');
    expect(await text(delayed.socket)).toMatch(/^HTTP\/1\.1 404 [^]*M_UNRECOGNIZED/);
    const narrow = talk(await gatewayTo(upstream.port, { front: 'paths' }), '/x');
    expect(await text(narrow.socket)).toMatch(/^HTTP\/1\.1 404 [^]*M_UNRECOGNIZED/);
    expect(urls).toEqual([]);
  });
});

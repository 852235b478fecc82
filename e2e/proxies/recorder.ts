import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { freePort } from '../free-port.ts';

export interface Recorded {
  readonly method: string;
  /** byte for byte as it came */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** A server behind a proxy: it answers everything with its own name, and keeps what it was asked. */
export class Recorder {
  readonly name: string;
  readonly #seen: Recorded[] = [];
  #server: Server | null = null;
  #port = 0;

  constructor(name: string) {
    this.name = name;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What was asked since the last time, without the checks of a proxy's own. */
  take(): readonly Recorded[] {
    return this.#seen.splice(0);
  }

  /** On the same port every time. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const { method = '', url = '', headers } = request;
      this.#seen.push({ method, url, headers });
      let bytes = 0;
      request.on('data', (chunk: Buffer) => (bytes += chunk.length));
      request.on('end', () => {
        const body = JSON.stringify({ server: this.name, bytes, login: headers.authorization ?? null });
        response.writeHead(200, { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' });
        response.end(body);
      });
    });
    server.on('upgrade', (request, socket) => {
      this.#seen.push({ method: 'UPGRADE', url: request.url ?? '', headers: request.headers });
      const key = request.headers['sec-websocket-key'] ?? '';
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    this.#port ||= await freePort();
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}

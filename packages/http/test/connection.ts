import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** names in lower case */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** `{}` when there is no text */
  readonly json: Readonly<Record<string, unknown>>;
}

/** A TCP connection on which anything can be said, and from which answers are read one by one. */
export class Connection {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #wake = () => {};
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  send(data: string | Uint8Array): void {
    this.#socket.write(data);
  }

  /** The next answer; null: the connection ended without one. */
  async answer(method = 'GET'): Promise<RawAnswer | null> {
    for (;;) {
      const found = this.#take(method);
      if (found !== null) return found;
      if (this.#closed) return null;
      await this.#change();
    }
  }

  /** Resolves when the server has ended the connection. */
  async ended(): Promise<void> {
    while (!this.#closed) await this.#change();
  }

  /** Goes away without a word. */
  abort(): void {
    this.#socket.resetAndDestroy();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #take(method: string): RawAnswer | null {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end === -1) return null;
    const [first = '', ...lines] = this.#received.subarray(0, end).toString('latin1').split('\r\n');
    const status = Number(first.split(' ')[1]);
    const headers = Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 2),
      ]),
    );
    const length = method === 'HEAD' || status === 100 ? 0 : Number(headers['content-length'] ?? 0);
    if (this.#received.length < end + 4 + length) return null;
    const text = this.#received.subarray(end + 4, end + 4 + length).toString();
    this.#received = this.#received.subarray(end + 4 + length);
    return { status, headers, text, json: JSON.parse(text || '{}') };
  }
}

/** The text of a request; a body gets its length announced unless the headers say otherwise. */
export function request(
  method: string,
  url: string,
  headers: Record<string, string> = {},
  body = '',
): string {
  const all: Record<string, string> = { Host: 'localhost', ...headers };
  if (body !== '' && !('Content-Length' in headers) && !('Transfer-Encoding' in headers)) {
    all['Content-Length'] = String(Buffer.byteLength(body));
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${url} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

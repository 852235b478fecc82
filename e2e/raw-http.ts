import { connect } from 'node:net';

/** What came back on a connection of its own. */
export interface RawAnswer {
  readonly status: number;
  /** names in lower case */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: any;
  /** from the first byte sent to the end of the connection, in ms */
  readonly took: number;
}

export interface RawRequest {
  readonly method: string;
  /** as it stands in the request line */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** One request with nothing corrected in it, announced as the last of its connection. */
export function bytesOf({ method, target, headers = {}, body = '' }: RawRequest): Buffer {
  const bytes = Buffer.from(body);
  const all = {
    host: 'localhost',
    connection: 'close',
    ...(bytes.length > 0 && { 'content-length': String(bytes.length) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`), bytes]);
}

/**
 * Far more than any answer takes, whatever the machine does meanwhile, and less than the server waits for anything:
 * 30 s for a body.
 */
const patience = 20_000;

/** Sends bytes on a new connection and reads the first answer; null: it ended without one, or did not end. */
export async function exchange(url: string, bytes: Uint8Array): Promise<RawAnswer | null> {
  const { hostname, port } = new URL(url);
  const began = performance.now();
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.on('close', () => resolve());
  let hasEnded = true;
  const giveUp = setTimeout(() => {
    hasEnded = false;
    socket.destroy();
  }, patience);
  socket.write(bytes);
  await ended;
  const took = performance.now() - began;
  clearTimeout(giveUp);
  const all = Buffer.concat(chunks);
  const end = all.indexOf('\r\n\r\n');
  if (end === -1 || !hasEnded) return null;
  const [first = '', ...lines] = all.subarray(0, end).toString('latin1').split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const text = all.subarray(end + 4, end + 4 + Number(headers['content-length'] ?? 0)).toString();
  return { status: Number(first.split(' ')[1]), headers, body: text === '' ? null : JSON.parse(text), took };
}

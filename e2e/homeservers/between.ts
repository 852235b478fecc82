import { once } from 'node:events';
import {
  Agent,
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import { buffer } from 'node:stream/consumers';
import { freePort } from '../free-port.ts';

/** A request as it arrived. */
export interface Seen {
  readonly method: string;
  /** percent-decoded, without the query */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  /** by this process's `performance.now()`, in ms */
  readonly at: number;
}

/** What came back, whole. */
export interface Reply {
  readonly status: number;
  /** names and values in turn */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** What becomes of a request, step by step; when it resolves or rejects without an answer, the connection is cut. */
export type Act = (exchange: Exchange) => Promise<void>;

/** As if nothing stood in between. */
export const passOn: Act = async (exchange) => {
  await exchange.forward();
  await exchange.answer(await exchange.reply());
};

/**
 * One request, and its answer, in the hands of whoever stands in between. Who asked ends the connection to whom was
 * asked by ending theirs, as it would be without anybody in between, until `outlive` is called.
 */
export class Exchange {
  readonly seen: Seen;
  readonly #headers: readonly string[];
  readonly #target: string;
  readonly #response: ServerResponse;
  #forwarded: ClientRequest | null = null;
  #outlives = false;
  #reply: Promise<Reply> = Promise.reject(new Error('not forwarded yet'));

  constructor(request: IncomingMessage, body: Buffer, response: ServerResponse, target: string) {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const path = decodeURIComponent(pathname);
    this.seen = { method: request.method ?? '', path, query: searchParams, body, at: performance.now() };
    this.#headers = withoutHops(request.rawHeaders);
    this.#target = `${target}${request.url}`;
    this.#response = response;
    this.#reply.catch(() => {});
    response.on('close', () => {
      if (!response.writableFinished && !this.#outlives) this.#forwarded?.destroy();
    });
  }

  /** What the asking side does with its connection has no more effect on the other one. */
  outlive(): void {
    this.#outlives = true;
  }

  /**
   * Writes the request, on a connection of its own; done twice, it is the request twice. Resolves when all of it is
   * written; rejects if it cannot be.
   */
  async forward(body = this.seen.body): Promise<void> {
    if (this.#response.closed && !this.#outlives) throw new Error('nobody waits for it any more');
    const { method } = this.seen;
    const length = body.length > 0 ? ['Content-Length', String(body.length)] : [];
    const request = httpRequest(this.#target, {
      method,
      agent: new Agent({ keepAlive: false }),
      headers: [...this.#headers, ...length],
    });
    this.#forwarded = request;
    this.#reply = readReply(request);
    this.#reply.catch(() => {});
    const { promise: written, resolve } = Promise.withResolvers<void>();
    request.end(body, resolve);
    await Promise.race([written, this.#reply]);
  }

  /** The answer to what was forwarded; rejects if there is none. */
  reply(): Promise<Reply> {
    return this.#reply;
  }

  /** Resolves when it is written; rejects if nobody waits for it any more. */
  async answer({ status, headers, body }: Reply): Promise<void> {
    const response = this.#response;
    if (response.closed) throw new Error('nobody waits for the answer any more');
    response.writeHead(status, [...headers, 'Content-Length', String(body.length)]);
    response.end(body);
    await once(response, 'finish');
  }

  /** Ends both connections. */
  cut(): void {
    this.#forwarded?.destroy();
    this.#response.destroy();
  }

  /** Resolves when the asking side's connection is done with, in whatever way. */
  async over(): Promise<void> {
    if (!this.#response.closed) await once(this.#response, 'close');
  }
}

interface Rule {
  readonly matches: (seen: Seen) => boolean;
  readonly act: Act;
}

/**
 * Stands between two servers on loopback and does to their requests and answers whatever a network can do. What no rule
 * is for passes unchanged.
 */
export class Between implements AsyncDisposable {
  readonly #target: string | Promise<string>;
  readonly #port: number;
  readonly #rules = new Set<Rule>();
  readonly #exchanges = new Set<Exchange>();
  #server: Server | null = null;

  private constructor(target: string | Promise<string>, port: number) {
    this.#target = target;
    this.#port = port;
  }

  /**
   * @param target without a slash at its end; requests wait until it is known
   * @param port null: a free one
   */
  static async start(target: string | Promise<string>, port: number | null = null): Promise<Between> {
    const between = new Between(target, port ?? (await freePort()));
    await between.listen();
    return between;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Does that to every request that matches, until it is disposed of. The rule that was made last comes first. */
  rule(matches: (seen: Seen) => boolean, act: Act): Disposable {
    const rule = { matches, act };
    this.#rules.add(rule);
    return { [Symbol.dispose]: () => void this.#rules.delete(rule) };
  }

  /** Ends every connection, and lets nobody connect: the other side is down. */
  async refuse(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    server.close();
    for (const exchange of this.#exchanges) exchange.cut();
    server.closeAllConnections();
    await once(server, 'close');
  }

  /** Listens, again at the same address. */
  async listen(): Promise<void> {
    if (this.#server !== null) return;
    const server = createServer((request, response) => void this.#serve(request, response));
    server.keepAliveTimeout = 60_000;
    this.#server = server;
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.refuse();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const exchange = new Exchange(request, await buffer(request), response, await this.#target);
      this.#exchanges.add(exchange);
      response.on('close', () => this.#exchanges.delete(exchange));
      const rule = [...this.#rules].findLast(({ matches }) => matches(exchange.seen));
      await (rule?.act ?? passOn)(exchange);
    } catch {
      // One of the two sides went away.
    }
    if (!response.writableEnded) response.destroy();
  }
}

function readReply(request: ClientRequest): Promise<Reply> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      buffer(response).then((body) => {
        const { statusCode: status = 0, rawHeaders } = response;
        resolve({ status, headers: withoutHops(rawHeaders), body });
      }, reject);
    });
  });
}

const hops: readonly string[] = [
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'expect',
  'date',
];

/** Headers that are about a connection, not about the message. */
function withoutHops(headers: readonly string[]): string[] {
  return headers.filter((_, place) => !hops.includes((headers[place - (place % 2)] ?? '').toLowerCase()));
}

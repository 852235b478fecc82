import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import { EventEmitter, once } from 'node:events';
import { buffer } from 'node:stream/consumers';

/** A request that was answered. Times are of `performance.now`. */
export interface Exchange {
  readonly method: string;
  /** below `/_matrix/client`, without the query, what it names replaced: `/v3/rooms/{room}/send/{type}/{txn}` */
  readonly pattern: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  readonly status: number;
  readonly answer: string;
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** @param target with the query */
type IsHeld = (method: string, target: string) => boolean;

/** Stands between a client and the server, and keeps what they say to one another. Emits `exchange`. */
export class RecordingProxy extends EventEmitter<{ exchange: [] }> implements AsyncDisposable {
  readonly exchanges: Exchange[] = [];
  readonly #agent = new Agent({ keepAlive: true });
  readonly #target: string;
  readonly #server = createServer((asked, answer) => {
    buffer(asked).then(
      (body) => this.#take(asked, body, answer),
      () => answer.destroy(),
    );
  });
  #isHeld: IsHeld = () => false;
  #goOn: (() => void)[] = [];

  private constructor(target: string) {
    super();
    this.#target = target;
  }

  static async start(target: string): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('not listening');
    return `http://127.0.0.1:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** From now on requests that fit wait here. Resolves when one does. */
  async hold(isHeld: IsHeld): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#isHeld = (method, target) => {
      const isIt = isHeld(method, target);
      if (isIt) resolve();
      return isIt;
    };
    await promise;
  }

  /** Requests that were held go on, and later ones are not held. */
  letGo(): void {
    this.#isHeld = () => false;
    for (const goOn of this.#goOn.splice(0)) goOn();
  }

  #take({ method = '', url = '', headers }: IncomingMessage, body: Buffer, answer: ServerResponse): void {
    const goOn = (): void => this.#forward(method, url, headers, body, answer);
    if (this.#isHeld(method, url)) this.#goOn.push(goOn);
    else goOn();
  }

  /**
   * What changes something goes on to its end even where the client is gone: what the server acknowledged counts,
   * whoever heard it. What only asks ends with who asked.
   */
  #forward(
    method: string,
    url: string,
    headers: IncomingHttpHeaders,
    body: Buffer,
    answer: ServerResponse,
  ): void {
    const askedAt = performance.now();
    const onward = request(`${this.#target}${url}`, { method, headers, agent: this.#agent });
    onward.on('error', () => answer.destroy());
    if (method === 'GET') answer.on('close', () => onward.destroy());
    onward.on('response', (response) => {
      void buffer(response).then(
        (content) => {
          const answeredAt = performance.now();
          const { pathname, searchParams: query } = new URL(url, this.#target);
          const path = pathname.replace(/^\/_matrix\/client/, '');
          const status = response.statusCode ?? 0;
          this.exchanges.push({
            method,
            pattern: patternOf(path),
            path,
            query,
            body: body.toString(),
            status,
            answer: content.toString(),
            askedAt,
            answeredAt,
          });
          answer.writeHead(status, response.headers).end(content);
          this.emit('exchange');
        },
        () => answer.destroy(),
      );
    });
    onward.end(body);
  }
}

const names: readonly (readonly [RegExp, string])[] = [
  [/^[!]/, '{room}'],
  [/^[$]/, '{event}'],
  [/^@/, '{user}'],
  [/^_@/, '{member}'],
  [/^m\d+\.\d+$/, '{txn}'],
  [/^\d+$/, '{filter}'],
];

function patternOf(path: string): string {
  const segments = path.split('/').map((segment) => {
    const text = decodeURIComponent(segment);
    return names.find(([name]) => name.test(text))?.[1] ?? text;
  });
  if (segments.includes('delayed_events')) segments[segments.indexOf('delayed_events') + 1] = '{delay}';
  return segments.join('/');
}

import { once } from 'node:events';
import {
  createServer,
  request as ask,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { buffer } from 'node:stream/consumers';

/** What the line does with a request instead of handing it on and its answer back. */
export type Fault =
  /** The request goes through; its answer does not come, and the connection ends. */
  | { readonly kind: 'loses the answer' }
  /** The request goes through; of its answer only the head comes. */
  | { readonly kind: 'breaks off the answer' }
  /** The request does not go through, and nothing comes. */
  | { readonly kind: 'is silent' }
  /** The request does not go through; this comes instead. */
  | {
      readonly kind: 'answers';
      readonly status: number;
      readonly body: string;
      readonly headers?: Readonly<Record<string, string>>;
    };

/** The network between a port and its homeserver, with faults. */
export class Line implements AsyncDisposable {
  readonly #to: URL;
  #server: Server;
  #port = 0;
  /** What is done with a request; null: it is handed on. */
  fault: (method: string, path: string) => Fault | null = () => null;
  /** how many writes (`PUT`) came */
  written = 0;

  private constructor(to: string) {
    this.#to = new URL(to);
    this.#server = this.#makeServer();
  }

  static async open(to: string): Promise<Line> {
    const line = new Line(to);
    await line.#listen();
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What is done with writes from now on, and with nothing else; null: they are handed on. */
  onWrites(fault: Fault | null): void {
    this.fault = (method) => (method === 'PUT' ? fault : null);
  }

  /** Connections are refused from now on, and those that there are end. */
  async cut(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async mend(): Promise<void> {
    this.#server = this.#makeServer();
    await this.#listen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.cut();
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not a port');
    this.#port = address.port;
  }

  #makeServer(): Server {
    return createServer((request, response) => {
      this.#carry(request, response).catch(() => response.destroy());
    });
  }

  async #carry(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '' } = request;
    if (method === 'PUT') this.written += 1;
    const fault = this.fault(method, path);
    if (fault?.kind === 'is silent') return;
    const body = await buffer(request);
    if (fault?.kind === 'answers') {
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      response.end(fault.body);
      return;
    }
    const answer = await this.#pass(request, body);
    const bytes = await buffer(answer);
    if (fault?.kind === 'loses the answer') {
      response.destroy();
      return;
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    if (fault?.kind === 'breaks off the answer')
      response.write(bytes.subarray(0, 1), () => response.destroy());
    else response.end(bytes);
  }

  async #pass({ method, url, headers }: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    const { hostname, port } = this.#to;
    const passed = ask({ hostname, port, method, path: url, headers, agent: false });
    passed.end(body);
    const [answer]: IncomingMessage[] = await once(passed, 'response');
    if (answer === undefined) throw new Error('no answer');
    return answer;
  }
}

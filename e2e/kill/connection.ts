import { Agent, request } from 'node:http';

/** An answer of the server, whole. */
export interface Reply {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- bodies of any shape
  readonly body: any;
}

/** Longer than any answer takes that is no long poll; the load reports it as status 0. */
const patience = 10_000;

/** Requests over a few connections that are kept open. Nothing is ever sent twice. */
export class Connections {
  readonly #agent: Agent;

  constructor(most: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: most, scheduling: 'fifo' });
  }

  /** null: the server went away before its answer was whole */
  ask(url: string, method: string, token: string | null, body?: object): Promise<Reply | null> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const { promise, resolve } = Promise.withResolvers<Reply | null>();
    const headers = {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      'content-length': Buffer.byteLength(text),
    };
    const asking = request(url, { method, agent: this.#agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => resolve(null));
      response.on('end', () => {
        if (!response.complete) resolve(null);
        else
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) });
      });
    });
    asking.setTimeout(patience, () => resolve({ status: 0, body: {} }));
    asking.on('error', () => resolve(null));
    asking.end(text);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

import { Agent, request } from 'node:http';

/** An answer of the server, whole. */
export interface Reply {
  readonly status: number;
  readonly body: any;
}

export interface Question {
  readonly url: string;
  readonly method: string;
  /** an access token */
  readonly token: string | null;
  readonly body?: object | undefined;
}

/** Longer than any answer takes that is no long poll; the load reports it as status 0. */
const patience = 10_000;

/** Requests over a few connections that are kept open. Nothing is ever sent twice. */
export class Connections {
  readonly #agent: Agent;

  constructor(most: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: most, scheduling: 'fifo' });
  }

  /**
   * @param loseAfter goes away after so many ms, whether there is an answer or not
   * @returns null: one of the two went away before the answer was whole
   */
  ask({ url, method, token, body }: Question, loseAfter: number | null = null): Promise<Reply | null> {
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
    if (loseAfter !== null) setTimeout(() => asking.destroy(), loseAfter);
    return promise;
  }
}

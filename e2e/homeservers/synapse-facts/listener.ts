import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { json } from 'node:stream/consumers';

/** A request of the homeserver to its application service. */
export interface Push {
  readonly method: string | undefined;
  /** path and query */
  readonly target: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: any;
}

/** Takes what a homeserver pushes to an application service, and keeps it. */
export class Listener implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    const take = async () => {
      const { method, url: target, headers } = request;
      const body: any = await json(request);
      if (this.does === 'takes') this.pushes.push({ method, target, headers, body });
      this.#arrivals.emit(this.does === 'takes' ? 'taken' : 'not taken');
      if (this.does === 'is silent') return;
      const status = this.does === 'takes' ? 200 : 503;
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    };
    void take();
  });
  readonly #arrivals = new EventEmitter();
  /** What it took, in order of arrival. */
  readonly pushes: Push[] = [];
  /** What it does with a push: answers 200, answers 503, or leaves it without an answer. */
  does: 'takes' | 'refuses' | 'is silent' = 'takes';

  /** Resolves with its address. */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not a port');
    return `http://127.0.0.1:${address.port}`;
  }

  /** The first push for which `wanted` is true, waiting for it if it has not come. */
  async push(wanted: (push: Push) => boolean): Promise<Push> {
    for (;;) {
      const found = this.pushes.find(wanted);
      if (found !== undefined) return found;
      await once(this.#arrivals, 'taken');
    }
  }

  /** The first push that has the event, and the event as it has it. */
  async heard(eventId: string): Promise<{ push: Push; event: any }> {
    const isIt = ({ event_id }: any) => event_id === eventId;
    const push = await this.push(({ body }) => body.events?.some(isIt));
    return { push, event: push.body.events.find(isIt) };
  }

  /** Resolves when the next push comes that it does not take. */
  async notTaken(): Promise<void> {
    await once(this.#arrivals, 'not taken');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { Timers } from '@matrix-futures/engine';

/** Real time. */
export const timers: Timers = {
  after(delay, run) {
    const timer = setTimeout(run, delay);
    return () => clearTimeout(timer);
  },
  soon(run) {
    const timer = setImmediate(run);
    return () => clearImmediate(timer);
  },
};

/** A request as a homeserver sees it. */
export interface Asked {
  readonly method: string;
  /** decoded, without the query */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
}

/** What it answers; a body that is no string is JSON. null: nothing, the connection ends. */
export type Reply = { readonly status: number; readonly body: unknown } | null;

/** A homeserver that answers as a test would have it, over HTTP. */
export interface Homeserver extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Ends its connections and listens no more. */
  stop(): Promise<void>;
}

export async function startHomeserver(answer: (asked: Asked) => Reply | Promise<Reply>): Promise<Homeserver> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://homeserver');
    const one: Asked = {
      method: request.method ?? '',
      path: decodeURIComponent(url.pathname),
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
    };
    asked.push(one);
    void Promise.resolve(answer(one)).then((reply) => {
      if (reply === null) return void response.destroy();
      const { status, body } = reply;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not on a port');
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { url: `http://127.0.0.1:${address.port}`, asked, stop, [Symbol.asyncDispose]: stop };
}

import { afterEach } from 'vitest';
import { createServer, type Requester, type Server, type ServerOptions } from '@matrix-futures/http';
import { Connection, type RawAnswer, request } from './connection.ts';
import { HandTimers } from './hand-timers.ts';

export const alice: Requester = {
  user: '@alice:localhost',
  device: 'PHONE',
  isGuest: false,
  accessToken: 'alices',
};

export interface Serving {
  readonly server: Server;
  readonly timers: HandTimers;
  readonly port: number;
  connect(): Promise<Connection>;
  /** One request on a connection of its own. */
  ask(method: string, url: string, headers?: Record<string, string>, body?: string): Promise<RawAnswer>;
}

const running: { connections: Connection[]; serving: Serving }[] = [];

afterEach(async () => {
  for (const { connections, serving } of running.splice(0)) {
    for (const connection of connections) connection.abort();
    await serving.server.close();
  }
});

/** A server on a free port until the end of the test. Alice's access token is `alices`. */
export async function serve(options: Partial<ServerOptions>): Promise<Serving> {
  const timers = new HandTimers();
  const server = await createServer({
    endpoints: [],
    timers,
    authenticate: (token) => (token === alice.accessToken ? alice : null),
    ...options,
  });
  const { port } = await server.listen('127.0.0.1', 0);
  const connections: Connection[] = [];
  const serving: Serving = {
    server,
    timers,
    port,
    async connect() {
      const connection = await Connection.open(port);
      connections.push(connection);
      return connection;
    },
    async ask(method, url, headers, body) {
      const connection = await serving.connect();
      connection.send(request(method, url, headers, body));
      const answer = await connection.answer(method);
      connection.abort();
      if (answer === null) throw new Error(`No answer to ${method} ${url}`);
      return answer;
    },
  };
  running.push({ connections, serving });
  return serving;
}

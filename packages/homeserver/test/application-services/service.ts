import type { Timers } from '@matrix-futures/engine';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseRegistration, type Registration } from '@matrix-futures/homeserver';

/** What a request to a service may take: the one time here that is not made shorter. */
const requestLimit = 30_000;

/** Real milliseconds for those of a server whose waits are a hundred times as short: 10 ms until a service is asked again. */
export const shortened = (delay: number): number => (delay === requestLimit ? delay : delay / 100);

/** Real timers, and a hundred times as fast. */
export const quickTimers: Timers = {
  after(delay, run) {
    const timer = setTimeout(run, shortened(delay));
    return () => clearTimeout(timer);
  },
  soon(run) {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  },
};

export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: any;
}

/** An application service that listens on a port of this machine, and notes what it hears. */
export interface Service extends AsyncDisposable {
  readonly url: string;
  readonly heard: readonly Heard[];
  /** of everything heard so far, in order */
  readonly events: readonly any[];
  /** what it answers from now on; 200 to begin with */
  status: number;
  /** called with what it did not take */
  onRefused: (request: Heard) => void;
  /** Resolves when what was heard fits. */
  until(isTrue: () => boolean): Promise<void>;
}

export async function startService(): Promise<Service> {
  const heard: Heard[] = [];
  let wake = (): void => {};
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      response.writeHead(service.status).end('{}');
      const { method = '', url: path = '', headers } = request;
      const told = { method, path, authorization: headers.authorization, body };
      if (service.status === 200) heard.push(told);
      else service.onRefused(told);
      wake();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const service: Service = {
    url: `http://127.0.0.1:${port}`,
    heard,
    get events() {
      return heard.flatMap(({ body }) => body.events ?? []);
    },
    status: 200,
    onRefused: () => {},
    async until(isTrue) {
      while (!isTrue()) await new Promise<void>((resolve) => (wake = resolve));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return service;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks = await request.toArray();
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

/** As an operator would write it; every test changes what it is about. */
export function registrationFile(changes: object = {}): object {
  return {
    id: 'bridge',
    url: null,
    as_token: 'as-bridge',
    hs_token: 'hs-bridge',
    sender_localpart: 'bridge-bot',
    rate_limited: false,
    namespaces: { users: [{ regex: '@_bridge_.*:test', exclusive: true }] },
    ...changes,
  };
}

export function registration(changes: object = {}): Registration {
  return parseRegistration(registrationFile(changes), 'bridge.yaml');
}

/** The two that a gateway has: one to act as everybody, one to hear everything. */
export function gatewayRegistrations(listenerUrl: string | null): readonly Registration[] {
  return [
    registration({
      id: 'puppet',
      as_token: 'as-puppet',
      hs_token: 'hs-puppet',
      sender_localpart: 'puppet',
      namespaces: { users: [{ regex: '^@.*:test$', exclusive: false }] },
    }),
    registration({
      id: 'listener',
      url: listenerUrl,
      as_token: 'as-listener',
      hs_token: 'hs-listener',
      sender_localpart: 'listener',
      namespaces: { rooms: [{ regex: '.*', exclusive: false }] },
    }),
  ];
}

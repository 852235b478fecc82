import { createServer as createHttpServer, type RequestListener, type Server as HttpServer } from 'node:http';
import { once } from 'node:events';
import { createServer, type Endpoint, type Requester, type Server } from '@matrix-futures/http';
import { afterEach } from 'vitest';
import { createProxy, type Proxy, type ProxyOptions } from '../../src/proxy/proxy.ts';
import { timers } from '../homeserver.ts';

export { timers };

export const alice: Requester = {
  user: '@alice:test',
  device: 'PHONE',
  isGuest: false,
  accessToken: 'alices',
};

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

export interface Upstream {
  readonly server: HttpServer;
  readonly port: number;
  stop(): void;
}

/** A homeserver as the test would have it. */
export async function upstreamOf(listener: RequestListener, port = 0): Promise<Upstream> {
  const server = createHttpServer(listener);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  ending.push(stop);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not on a port');
  return { server, port: address.port, stop };
}

export interface Gateway {
  readonly url: string;
  readonly port: number;
  readonly proxy: Proxy;
  readonly server: Server;
}

export interface GatewayOptions extends Partial<ProxyOptions> {
  readonly endpoints?: (proxy: Proxy) => readonly Endpoint[];
}

/** The proxy behind a real server, in front of that port. */
export async function gatewayTo(port: number, options: GatewayOptions = {}): Promise<Gateway> {
  const { endpoints = () => [], ...rest } = options;
  const proxy = createProxy({
    upstream: `http://127.0.0.1:${port}`,
    front: 'all',
    timers,
    delayingParameters: ['future_timeout', 'future_group_id', 'org.matrix.msc4140.delay'],
    unstableFeatures: () => ({ 'dev.test': true }),
    capabilities: () => ({}),
    withStateKey: (_key, run) => run(),
    onLoginsChange: () => {},
    ...rest,
  });
  const server = await createServer({
    endpoints: endpoints(proxy),
    timers,
    authenticate: (token) => (token === alice.accessToken ? alice : null),
    fallback: proxy.fallback,
    onUpgrade: proxy.onUpgrade,
    limits: { closing: 100 },
  });
  const listening = await server.listen('127.0.0.1', 0);
  ending.push(async () => {
    proxy.close();
    await server.close();
  });
  return { url: `http://127.0.0.1:${listening.port}`, port: listening.port, proxy, server };
}

/** A gateway in front of a homeserver as the test would have it. */
export async function gatewayBefore(listener: RequestListener, options?: GatewayOptions): Promise<Gateway> {
  return gatewayTo((await upstreamOf(listener)).port, options);
}

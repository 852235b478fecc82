import type { FastifyInstance } from 'fastify';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { type Handling, handleRequests } from './handling.ts';
import { prepareAnswer, sendPrepared } from './answer.ts';
import { hasBody, limitBodyTime, type Timers } from './body.ts';
import { refuseSocket } from './client-error.ts';
import { MatrixError } from './errors.ts';

/**
 * Sees every request before anything else does.
 * @returns true: taken, the answer is the fast path's own affair (see `sendPrepared`); a body, if there is one, is
 *   discarded within the limits unless the fast path reads it
 */
export type FastPath = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * Takes over a connection whose client asks for a WebSocket: `GET` with `Upgrade: websocket`. Nothing was judged; the
 * answer and every error of the socket are its own affair.
 * @param head what the client has sent behind the request
 */
export type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface Limits {
  /** bytes of a body */
  readonly body: number;
  /** characters of path and query; node's own limit of 16 KiB for the URL and all headers stays */
  readonly url: number;
  /** milliseconds a body may take to arrive */
  readonly bodyTime: number;
  /** milliseconds the headers may take to arrive */
  readonly headersTime: number;
  /** milliseconds an idle connection is kept: longer than clients leave between two heartbeats or long polls */
  readonly keepAlive: number;
  /** milliseconds that `close` waits for what is in flight */
  readonly closing: number;
}

const defaultLimits: Limits = {
  body: 1024 * 1024,
  url: 8 * 1024,
  bodyTime: 30_000,
  headersTime: 60_000,
  keepAlive: 75_000,
  closing: 10_000,
};

export interface ServerOptions extends Handling {
  readonly timers: Timers;
  readonly fastPath?: FastPath;
  /** Without it, a wish for another protocol is ignored, as any other than a WebSocket always is. */
  readonly onUpgrade?: OnUpgrade;
  readonly limits?: Partial<Limits>;
  /** On every answer that is worded here; a fallback that passes on somebody else's takes them off again. */
  readonly headers?: { readonly [name: string]: string };
}

export interface Server {
  /** @param port 0 picks a free one; resolves with where it listens */
  listen(host: string, port: number): Promise<{ readonly host: string; readonly port: number }>;
  /** `run` is called when the server begins to close: end long polls then. */
  onClosing(run: () => void): void;
  /** Accepts nothing new, lets what is in flight finish for as long as the limits have it, then ends the rest. */
  close(): Promise<void>;
  /** A request without a socket, for tests of endpoints. It does not pass the fast path. */
  readonly inject: FastifyInstance['inject'];
}

const preflight = prepareAnswer(200, {}, { 'Access-Control-Max-Age': '86400' });

/** @throws Error when two endpoints answer the same request */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { timers, fastPath, onUpgrade } = options;
  const ownHeaders = Object.entries(options.headers ?? {});
  const limits = { ...defaultLimits, ...options.limits };
  const closingHooks: (() => void)[] = [];
  const sockets: HttpServer[] = [];
  const upgraded = new Set<Duplex>();
  let closing: Promise<void> | undefined;

  const fastify = handleRequests(options, limits, (route) => {
    const receive = (request: IncomingMessage, response: ServerResponse) => {
      if (closing !== undefined) response.shouldKeepAlive = false;
      for (const [name, value] of ownHeaders) response.setHeader(name, value);
      if (hasBody(request)) limitBodyTime(request, response, limits.bodyTime, timers);
      if (fastPath?.(request, response)) return;
      if (request.method === 'OPTIONS') sendPrepared(response, preflight);
      else route(request, response);
    };
    const server = createHttpServer({
      // an upload may take minutes; what is not one has `bodyTime`
      requestTimeout: 0,
      headersTimeout: limits.headersTime,
      keepAliveTimeout: limits.keepAlive,
      // nothing here reads it, and node's own refusal has no CORS headers
      requireHostHeader: false,
      shouldUpgradeCallback: (request) => onUpgrade !== undefined && asksForWebSocket(request),
    });
    server.on('request', receive);
    server.on('checkExpectation', receive);
    server.on('upgrade', (request, socket, head) => {
      upgraded.add(socket);
      socket.once('close', () => upgraded.delete(socket));
      if (closing === undefined) onUpgrade?.(request, socket, head);
      else socket.destroy();
    });
    server.on('connect', (_request, socket) => {
      refuseSocket(socket, new MatrixError('methodNotAllowed', 'Unknown method'));
    });
    sockets.push(server);
    return server;
  });
  await fastify.ready();

  async function end(): Promise<void> {
    for (const run of closingHooks) run();
    // no longer node's, and nothing in their protocols says when they are idle
    for (const socket of upgraded) socket.destroy();
    let cancelSweep = () => {};
    // node ends the connections that are idle now; those still answering become idle later
    const sweep = () => {
      for (const server of sockets) server.closeIdleConnections();
      cancelSweep = timers.after(20, sweep);
    };
    sweep();
    const cancelForce = timers.after(limits.closing, () => {
      for (const server of sockets) server.closeAllConnections();
    });
    try {
      await fastify.close();
    } finally {
      cancelSweep();
      cancelForce();
    }
  }

  return {
    async listen(host, port) {
      await fastify.listen({ host, port });
      const [address] = fastify.addresses();
      if (typeof address !== 'object') throw new Error('The server does not listen on a port');
      return { host: address.address, port: address.port };
    },
    onClosing: (run) => void closingHooks.push(run),
    close: () => (closing ??= end()),
    inject: fastify.inject.bind(fastify),
  };
}

/** Other protocols (HTTP/2) are never spoken on: a tunnel in them would carry requests that nobody judges. */
function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';
}

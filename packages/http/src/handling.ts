import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerFactory,
} from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { corsHeaders } from './answer.ts';
import { liftBodyTime, readBody } from './body.ts';
import type { Authentication, Endpoint } from './endpoint.ts';
import { answerClientError } from './client-error.ts';
import { MatrixError } from './errors.ts';
import { decodeQuery, type Query } from './query.ts';
import { accessTokenOf, type Authenticate, AuthenticationUnavailable, type Requester } from './requester.ts';
import { choose, methodsOf, type Route, routesOf } from './routes.ts';

/**
 * Takes over what no endpoint answers; the answer is its own affair. The body is unread, and none of our limits of
 * bodies and of the URL were applied. Does not throw.
 */
export type Fallback = (request: IncomingMessage, response: ServerResponse) => void;

export interface Handling {
  readonly endpoints: readonly Endpoint[];
  readonly authenticate: Authenticate;
  /** Silent without one. Gets methods, path patterns, statuses and what threw; no path parameter, query or token. */
  readonly logger?: Logger;
  /** Words the errors of other packages (a store that is away); null: it is not one of those. */
  readonly translate?: (error: unknown) => MatrixError | null;
  /**
   * Gets requests without a route, with another method of a known path, and those of a route whose endpoints all have
   * other conditions (`when`); without it they are refused with 404 and 405.
   */
  readonly fallback?: Fallback;
}

type Request = FastifyRequest<{ Params: Record<string, string> }>;

/**
 * What happens to a request behind the fast path: its route, then who asks, then path and query, then the handler,
 * which looks at the body when it wants to; and one way out for answers and errors.
 */
export function handleRequests(
  { endpoints, authenticate, logger, translate, fallback }: Handling,
  limits: { readonly body: number; readonly url: number },
  serverFactory: FastifyServerFactory,
): FastifyInstance {
  const routes = routesOf(endpoints);
  const methodsAt = methodsOf(routes);
  const fastify = Fastify({
    serverFactory,
    // the whole URL has a limit
    routerOptions: { maxParamLength: Number.MAX_SAFE_INTEGER, querystringParser: () => ({}) },
    return503OnClosing: false,
    // Without this, Fastify's own handler resets the connection, and the reset may overtake the answer.
    clientErrorHandler: answerClientError,
    frameworkErrors: (_error, request, reply) =>
      leave(request, reply, () => new MatrixError('invalidParam', 'The URL cannot be decoded')),
  });

  // Fastify leaves all bodies alone: they are read once it is clear that they are wanted.
  for (const method of fastify.supportedMethods) {
    fastify.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  }

  for (const route of routes) {
    fastify.route<{ Params: Record<string, string> }>({
      method: route.method,
      url: route.path,
      handler: (request, reply) => handle(route, request, reply),
    });
  }

  async function handle(route: Route, request: Request, reply: FastifyReply): Promise<void> {
    const url = request.raw.url ?? '';
    const rawQuery = queryIn(url);
    const query = decodeQuery(rawQuery);
    const isWhole = !Object.values(request.params).includes('');
    const endpoint = isWhole ? choose(route, query) : null;
    if (endpoint === null) return void leave(request, reply, unrecognized);
    if (url.length > limits.url) throw urlTooLong();
    const requester = await requesterOf(endpoint.authentication, request, query);
    const {
      status = 200,
      body = {},
      headers = {},
    } = await endpoint.answer({
      requester,
      params: request.params,
      query,
      rawQuery,
      url,
      address: request.ip,
      accessToken: accessTokenOf(request.headers, query),
      readBody: (limit = limits.body) => readBody(request.raw, limit),
      watchClient: () => watchClient(reply.raw),
    });
    send(reply, status, body, headers);
  }

  async function requesterOf(
    authentication: Authentication,
    request: Request,
    query: Query,
  ): Promise<Requester | null> {
    if (authentication === 'none') return null;
    const token = accessTokenOf(request.headers, query);
    if (token === null) return null;
    try {
      const requester = await authenticate(token, {
        ...{ headers: request.headers, query, address: request.ip },
        isOptional: authentication === 'optional',
      });
      if (requester !== null) return requester;
    } catch (error) {
      if (authentication === 'optional' && error instanceof AuthenticationUnavailable) return null;
      throw error;
    }
    throw new MatrixError('unknownToken', 'Unknown access token', { soft_logout: false });
  }

  fastify.setErrorHandler((error, request, reply) => {
    const known = error instanceof MatrixError ? error : (translate?.(error) ?? null);
    if (known !== null) return refuse(reply, known);
    logger?.error({ ...described(request), err: error }, 'failed');
    return refuse(reply, new MatrixError('unknown', 'Internal server error'));
  });

  fastify.setNotFoundHandler((request, reply) => leave(request, reply, () => notFound(request)));

  function notFound(request: FastifyRequest): MatrixError {
    const methods = methodsAt(request.url.split('?', 1)[0] ?? '');
    if (methods.length === 0) return unrecognized();
    return new MatrixError(
      'methodNotAllowed',
      'Unknown method of this path',
      {},
      { Allow: methods.join(', ') },
    );
  }

  /** What no endpoint answers. */
  function leave(request: FastifyRequest, reply: FastifyReply, refusal: () => MatrixError): FastifyReply {
    if (fallback === undefined)
      return refuse(reply, request.url.length > limits.url ? urlTooLong() : refusal());
    liftBodyTime(request.raw);
    reply.hijack();
    fallback(request.raw, reply.raw);
    return reply;
  }

  if (logger !== undefined) {
    fastify.addHook('onResponse', (request, reply, done) => {
      const milliseconds = Math.round(reply.elapsedTime);
      logger.debug({ ...described(request), status: reply.statusCode, milliseconds }, 'answered');
      done();
    });
  }

  return fastify;
}

const unrecognized = () => new MatrixError('unrecognized', 'Unknown path');
const urlTooLong = () => new MatrixError('urlTooLong', 'The URL is too long');

function queryIn(url: string): string {
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark + 1);
}

/** Aborted when the connection ends before the answer was written. */
function watchClient(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const judge = () => {
    if (!response.writableFinished) controller.abort();
  };
  if (response.destroyed) judge();
  else response.once('close', judge);
  return controller.signal;
}

/** What may be logged of a request: a path's parameters can be tokens, and its query can hold one. */
function described(request: FastifyRequest): { request: string; method: string; path: string | null } {
  return { request: request.id, method: request.method, path: request.routeOptions.url ?? null };
}

function refuse(reply: FastifyReply, error: MatrixError): FastifyReply {
  return send(reply, error.status, error.body, error.headers);
}

function send(
  reply: FastifyReply,
  status: number,
  body: object,
  headers: { readonly [name: string]: string },
): FastifyReply {
  const bytes = body instanceof Uint8Array ? body : JSON.stringify(body);
  return reply
    .code(status)
    .headers(corsHeaders)
    .header('Content-Type', 'application/json')
    .headers(headers)
    .send(bytes);
}

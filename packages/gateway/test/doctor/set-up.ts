import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Examined,
  examine,
  gatewayHeader,
  makeRegistrations,
  readRegistrations,
  type SetUp,
} from '@matrix-futures/gateway';
import { randomBytes } from 'node:crypto';
import { timers } from '../homeserver.ts';

/** What a server answers; null: it is not there for this. */
export interface Reply {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}
export type Answer = (request: { method: string; url: string; token: string | null }) => Reply | null;

/** What every clock shows, however long a test takes. */
export const instant = Date.UTC(2030, 0, 1, 12);

/** A server over real HTTP that answers by a function, which a test may put another before. */
export class Answering implements AsyncDisposable {
  readonly #server: Server;
  #answers: Answer[];

  private constructor(server: Server, answer: Answer) {
    this.#server = server;
    this.#answers = [answer];
  }

  static async start(answer: Answer): Promise<Answering> {
    const server = createServer();
    const answering = new Answering(server, answer);
    server.on('request', (request, response) => {
      request.resume().on('end', () => {
        const { status, body, headers = {} } = answering.#reply(request);
        const date = new Date(instant).toUTCString();
        response.writeHead(status, { 'Content-Type': 'application/json', Date: date, ...headers });
        response.end(JSON.stringify(body));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return answering;
  }

  #reply({ method = '', url = '', headers }: IncomingMessage): Reply {
    const token = /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1] ?? null;
    for (const answer of this.#answers) {
      const reply = answer({ method, url, token });
      if (reply !== null) return reply;
    }
    return { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'Unknown path' } };
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Asked before what it answers otherwise. */
  before(answer: Answer): void {
    this.#answers.unshift(answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export const error = (status: number, errcode: string): Reply => ({ status, body: { errcode, error: '' } });
export const ok = (body: object): Reply => ({ status: 200, body });
const own = { [gatewayHeader.name]: gatewayHeader.value };
const asGateway = (reply: Reply): Reply => ({ ...reply, headers: { ...reply.headers, ...own } });

/** A homeserver, a gateway, and a proxy in front of both that passes on what each of them would answer. */
export interface World extends AsyncDisposable {
  readonly homeserver: Answering;
  readonly gateway: Answering;
  readonly front: Answering;
  readonly registrations: ReturnType<typeof readRegistrations>;
  setUp(changes?: Partial<SetUp>): SetUp;
}

const probes = {
  usual: [{ method: 'PUT' as const, target: '/_matrix/client/v3/rooms/!r/send_future/a/t' }],
  odd: [{ method: 'PUT' as const, target: '/_matrix/client/v3/rooms/!r/send/a/t?%64elay=1' }],
};

export async function startWorld(): Promise<World> {
  const gateway = await Answering.start(({ method, url, token }) => {
    if (url.startsWith('/_matrix/app/v1/ping'))
      return asGateway(token === registrations.listener.hsToken ? ok({}) : error(403, 'M_FORBIDDEN'));
    if (url === '/_matrix/client/versions')
      return asGateway(ok({ versions: ['v1.11'], unstable_features: { 'org.matrix.msc4140': true } }));
    return asGateway(error(method === 'PUT' ? 401 : 404, 'M_UNKNOWN_TOKEN'));
  });
  const registrations = readRegistrations(
    makeRegistrations(
      { serverName: 'example.org', listenerUrl: gateway.url, puppetHasUrl: false },
      { bytes: (length) => randomBytes(length) },
    ),
  );
  const { puppet, listener } = registrations;
  const homeserver = await Answering.start(({ url, token }) => {
    const { pathname, searchParams } = new URL(url, 'http://x');
    if (pathname === '/_matrix/client/versions')
      return ok({ versions: ['v1.11'], unstable_features: { 'org.matrix.msc4140': false } });
    if (pathname.startsWith('/_matrix/app')) return null;
    const service = [puppet, listener].find(({ asToken }) => asToken === token);
    if (service === undefined) return error(401, 'M_UNKNOWN_TOKEN');
    if (pathname.endsWith('/account/whoami')) {
      const user = searchParams.get('user_id') ?? `@${service.senderLocalpart}:example.org`;
      if (user === '@nobody:example.org') return error(403, 'M_FORBIDDEN');
      return ok({ user_id: user });
    }
    if (pathname.endsWith('/capabilities'))
      return ok({ capabilities: { 'org.matrix.msc4140.delayed_events': { max_delay_ms: 0 } } });
    if (pathname.endsWith('/ping')) return ok({ duration_ms: 2 });
    return null;
  });
  const front = await Answering.start(({ url }) => {
    if (/send_future|delay|%64elay/.test(url)) return asGateway(error(401, 'M_UNKNOWN_TOKEN'));
    if (url === '/_matrix/client/versions')
      return asGateway(ok({ versions: ['v1.11'], unstable_features: { 'org.matrix.msc4140': true } }));
    if (url.startsWith('/_matrix/app')) return null;
    return error(401, 'M_UNKNOWN_TOKEN');
  });
  return {
    ...{ homeserver, gateway, front, registrations },
    setUp: (changes = {}) => ({
      upstream: homeserver.url,
      loaded: { registrations, warnings: [] },
      gateway: gateway.url,
      publicUrl: front.url,
      dataDirectory: null,
      user: '@alice:example.org',
      probes,
      ...changes,
    }),
    async [Symbol.asyncDispose]() {
      for (const server of [homeserver, gateway, front]) await server[Symbol.asyncDispose]();
    },
  };
}

export interface Clocks {
  readonly wall?: () => number;
  readonly elapsed?: () => number;
}

/** Every finding, by the name of its check. */
export async function findings(
  setUp: SetUp,
  { wall = () => instant, elapsed = () => performance.now() }: Clocks = {},
): Promise<ReadonlyMap<string, Examined['finding']>> {
  const found = new Map<string, Examined['finding']>();
  for await (const { name, finding } of examine(setUp, { clock: { wall }, timers, elapsed }))
    found.set(name, finding);
  return found;
}

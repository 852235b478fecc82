import { randomBytes } from 'node:crypto';
import { Compile } from 'typebox/compile';
import { afterEach } from 'vitest';
import { apiEndpoints, storeError } from '@matrix-futures/api';
import {
  defaultLimits,
  Futures,
  type Generation,
  type JsonObject,
  type Limits,
  type Timers,
  Tokens,
} from '@matrix-futures/engine';
import { createServer, type Endpoint } from '@matrix-futures/http';
import { MemoryStore } from '@matrix-futures/store-memory';
import { HomeserverDouble } from './homeserver-double.ts';

const systemTimers: Timers = {
  after(delay, run) {
    const timer = setTimeout(run, delay);
    return () => clearTimeout(timer);
  },
  soon(run) {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  },
};

/** Server time that moves when told to, and the timers that follow it. */
export class ManualTime implements Timers {
  #now = 1_765_000_000_000;
  readonly #waiting = new Set<{ readonly at: number; readonly run: () => void }>();

  now(): number {
    return this.#now;
  }
  wall(): number {
    return this.#now;
  }
  after(delay: number, run: () => void): () => void {
    const timer = { at: this.#now + delay, run };
    this.#waiting.add(timer);
    return () => this.#waiting.delete(timer);
  }
  readonly soon = systemTimers.soon.bind(systemTimers);

  move(by: number): void {
    this.#now += by;
    for (const timer of [...this.#waiting].filter(({ at }) => at <= this.#now)) {
      this.#waiting.delete(timer);
      timer.run();
    }
  }
}

export interface Reply {
  readonly status: number;
  /** parsed, of whatever shape: tests say what they expect */
  readonly body: any;
  readonly text: string;
  readonly headers: Headers;
}

export interface Sending {
  /** access token; null: no login */
  readonly as?: string | null;
  readonly body?: unknown;
  /** the body as it is, instead of `body` */
  readonly raw?: string;
}

export interface Served {
  readonly base: string;
  readonly port: number;
  readonly homeserver: HomeserverDouble;
  readonly time: ManualTime;
  readonly futures: Futures;
  readonly errors: unknown[];
  readonly unstableFeatures: Readonly<Record<string, boolean>>;
  readonly capabilities: JsonObject;
  /** those of the API, not of the homeserver */
  readonly endpoints: readonly Endpoint[];
  /** As alice unless told. Paths start behind `/_matrix/client`. */
  request(method: string, path: string, sending?: Sending): Promise<Reply>;
  put(path: string, body?: unknown, as?: string | null): Promise<Reply>;
  /** without a login */
  use(token: string, method?: string): Promise<Reply>;
  /** Lets time pass, and what is due be sent. */
  pass(ms: number): Promise<void>;
  /** types of the events in the rooms, in order */
  types(): string[];
  /** commits fail from now on */
  breakStore(broken: boolean): void;
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

export interface ServeOptions {
  readonly generations?: readonly Generation[];
  readonly seesSyncs?: boolean;
  readonly limits?: Partial<Limits>;
}

/** Fails whatever answers with a body that is not as the endpoint's description has it. */
function asDescribed(endpoint: Endpoint): Endpoint {
  const { answers, answer } = endpoint;
  if (answers === null) return endpoint;
  const validator = Compile(answers);
  return {
    ...endpoint,
    answer: async (incoming) => {
      const answered = await answer(incoming);
      const { body = {} } = answered;
      const value: unknown = body instanceof Uint8Array ? JSON.parse(body.toString()) : body;
      if (!validator.Check(value))
        throw new Error(`${endpoint.summary}: ${JSON.stringify([value, validator.Errors(value)])}`);
      return answered;
    },
  };
}

/** The API, whole, over HTTP: real engine, store in memory, homeserver double. Ends after the test. */
export async function serve({ generations, limits, seesSyncs = true }: ServeOptions = {}): Promise<Served> {
  const time = new ManualTime();
  const homeserver = new HomeserverDouble(time);
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  let broken = false;
  const store = new MemoryStore({
    clock: time,
    retention: { listed: 1e9, listedPerOwner: 1_000, tombstones: 1e9 },
    beforeCommit: () => {
      if (broken) throw new Error('the disk is full');
    },
  });
  const futures = new Futures({
    store,
    homeserver,
    clock: time,
    timers: time,
    randomness: { bytes: (length) => randomBytes(length) },
    tokens: new Tokens([randomBytes(32)]),
    limits: { ...defaultLimits, ...limits },
    onError,
  });
  homeserver.onState = (key, event, sender) => {
    futures.stateArrived(key, event, sender).catch(() => {});
  };
  const api = apiEndpoints({
    futures,
    generations: new Set(generations ?? ['futures', 'delay-parameter', 'delayed-events']),
    plainSend: homeserver.plainSend,
    seesSyncs,
    onError,
  });
  const server = await createServer({
    endpoints: [...api.endpoints.map(asDescribed), homeserver.plainSend.endpoint, homeserver.plainState],
    fastPath: api.fastPath,
    authenticate: homeserver.authenticate,
    timers: systemTimers,
    translate: storeError,
  });
  const { port } = await server.listen('127.0.0.1', 0);
  await futures.start();
  closing.push(async () => {
    await server.close();
    await futures.stop();
  });

  const base = `http://127.0.0.1:${port}`;
  async function request(
    method: string,
    path: string,
    { as = 'alice', body, raw }: Sending = {},
  ): Promise<Reply> {
    const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${base}/_matrix/client${path}`, {
      method,
      headers: as === null ? {} : { Authorization: `Bearer ${as}` },
      ...(text !== undefined && { body: text }),
    });
    const answer = await response.text();
    return {
      status: response.status,
      text: answer,
      body: answer === '' ? null : JSON.parse(answer),
      headers: response.headers,
    };
  }

  return {
    base,
    port,
    homeserver,
    time,
    futures,
    errors,
    unstableFeatures: api.unstableFeatures,
    capabilities: api.capabilities,
    endpoints: api.endpoints,
    request,
    put: (path, body = {}, as = 'alice') => request('PUT', path, { body, as }),
    use: (token, method = 'POST') => request(method, `/v3/futures/${token}`, { as: null }),
    async pass(ms) {
      time.move(ms);
      while ((store.nextDue() ?? Infinity) <= time.now())
        await new Promise((resolve) => setImmediate(resolve));
    },
    types: () => homeserver.sent.map(({ draft }) => draft.type),
    breakStore: (now) => void (broken = now),
  };
}

/** Text to put into a path or a query. */
export const encoded = encodeURIComponent;

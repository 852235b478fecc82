import { randomness, timers } from '@matrix-futures/cli';
import type { LocalUnderTest, RemoteUnderTest } from '@matrix-futures/engine/conformance';
import {
  type EmbeddedHomeserver,
  openHomeserver,
  parseRegistration,
  type QuirkProfile,
  quirkProfiles,
  type Quirks,
  translateStorageError,
} from '@matrix-futures/homeserver';
import { createServer, type Server } from '@matrix-futures/http';
import { openDatabase } from '@matrix-futures/sqlite';
import { parse } from 'yaml';
import { connectGateway } from './gateway-connection.ts';
import { registerOpenly } from './register-openly.ts';
import { tell } from './registrations.ts';

const serverName = 'localhost';

/** The embedded homeserver, on a database in memory that outlives its restarts, over HTTP. */
class Embedded implements AsyncDisposable {
  readonly #database = openDatabase({ path: ':memory:', timers });
  readonly told = tell(serverName);
  readonly #quirks: Quirks | null;
  #running: { readonly homeserver: EmbeddedHomeserver; readonly server: Server } | null = null;
  #port = 0;

  private constructor(quirks: Quirks | null) {
    this.#quirks = quirks;
  }

  static async start(quirks: Quirks | null): Promise<Embedded> {
    const embedded = new Embedded(quirks);
    await embedded.#start();
    return embedded;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get homeserver(): EmbeddedHomeserver {
    if (this.#running === null) throw new Error('it does not run');
    return this.#running.homeserver;
  }

  unit<R>(work: () => R): Promise<R> {
    return this.#database.turn.unit(work);
  }

  readonly restart = async (): Promise<void> => {
    await this.#stop();
    await this.#start();
  };

  async #start(): Promise<void> {
    const homeserver = await openHomeserver({
      ...{ database: this.#database, timers, randomness, serverName },
      clock: { now: () => performance.now(), wall: () => Date.now() },
      openRegistration: true,
      registrationSharedSecret: null,
      defaultRoomVersion: '12',
      rateLimits: false,
      publicUrl: null,
      features: () => ({}),
      capabilities: () => ({}),
      applicationServices: Object.entries(this.told.texts).map(([name, text]) =>
        parseRegistration(parse(text), name),
      ),
      ...(this.#quirks !== null && { quirks: this.#quirks }),
    });
    const { endpoints, authenticate } = homeserver;
    const server = await createServer({ endpoints, authenticate, timers, translate: translateStorageError });
    this.#port = (await server.listen('127.0.0.1', this.#port)).port;
    this.#running = { homeserver, server };
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    running?.homeserver.endPolls();
    await running?.server.close();
    await running?.homeserver.stopPushing();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    this.#database.close();
  }
}

export async function openLocally(): Promise<LocalUnderTest> {
  const embedded = await Embedded.start(null);
  return {
    kind: 'local',
    url: embedded.url,
    sticks: true,
    port: embedded.homeserver.port,
    unit: (work) => embedded.unit(work),
    register: (name, password) => registerOpenly(embedded.url, name, password),
    [Symbol.asyncDispose]: () => embedded[Symbol.asyncDispose](),
  };
}

/** @param manner whose quirks it has, to be taken for that; null: its own good manner */
export async function openRemotely(manner: QuirkProfile | null): Promise<RemoteUnderTest> {
  const quirks = manner === null ? null : quirkProfiles[manner];
  const embedded = await Embedded.start(quirks);
  const { url } = embedded;
  const { registrations } = embedded.told;
  return {
    kind: 'remote',
    url,
    sticks: true,
    makesUsers: quirks?.unregisteredUsers === 'made',
    restart: embedded.restart,
    register: (name, password) => registerOpenly(url, name, password),
    connect: (to = {}) =>
      connectGateway({ url: to.url ?? url, token: to.token, takenFor: manner ?? 'other', registrations }),
    [Symbol.asyncDispose]: () => embedded[Symbol.asyncDispose](),
  };
}

import { randomness, timers } from '@matrix-futures/cli';
import type { LocalUnderTest, RemoteUnderTest } from '@matrix-futures/engine/conformance';
import type { KindName } from '@matrix-futures/gateway';
import {
  type EmbeddedHomeserver,
  openHomeserver,
  parseRegistration,
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
  #running: { readonly homeserver: EmbeddedHomeserver; readonly server: Server } | null = null;
  #port = 0;

  static async start(): Promise<Embedded> {
    const embedded = new Embedded();
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
  const embedded = await Embedded.start();
  return {
    kind: 'local',
    url: embedded.url,
    port: embedded.homeserver.port,
    unit: (work) => embedded.unit(work),
    register: (name, password) => registerOpenly(embedded.url, name, password),
    [Symbol.asyncDispose]: () => embedded[Symbol.asyncDispose](),
  };
}

/** @param kind what the gateway takes it for; null: for what it says itself */
export async function openRemotely(kind: KindName | null = null): Promise<RemoteUnderTest> {
  const embedded = await Embedded.start();
  const { url } = embedded;
  const { registrations } = embedded.told;
  return {
    kind: 'remote',
    url,
    restart: embedded.restart,
    register: (name, password) => registerOpenly(url, name, password),
    connect: (to = {}) => connectGateway({ url: to.url ?? url, token: to.token, registrations, kind }),
    [Symbol.asyncDispose]: () => embedded[Symbol.asyncDispose](),
  };
}

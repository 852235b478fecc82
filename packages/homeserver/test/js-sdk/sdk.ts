import type { Cancel, Clock, Timers } from '@matrix-futures/engine';
import {
  ClientEvent,
  createClient,
  SyncState,
  type MatrixClient,
  type MatrixEvent,
  type Room,
} from 'matrix-js-sdk';
import { vi } from 'vitest';
import { startServer, type TestServer } from '../server/server.ts';

/** A homeserver behind a real port, in real time, and clients of matrix-js-sdk on it. */
export interface Sdk extends AsyncDisposable {
  readonly server: TestServer;
  readonly baseUrl: string;
  /** Registers (or logs in again) and starts syncing; resolves when the first sync is there. */
  client(name: string): Promise<MatrixClient>;
}

const clock: Clock = { now: () => performance.now(), wall: () => Date.now() };
const timers: Timers = {
  after(delay, run): Cancel {
    const handle = setTimeout(run, delay);
    return () => clearTimeout(handle);
  },
  soon(run): Cancel {
    const handle = setImmediate(run);
    return () => clearImmediate(handle);
  },
};

const silent = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  getChild: () => silent,
};

export async function startSdk(): Promise<Sdk> {
  // Parts of it speak past the logger they are given.
  const consoles = (['debug', 'info', 'log', 'warn'] as const).map((method) =>
    vi.spyOn(console, method).mockImplementation(() => {}),
  );
  const server = await startServer({ clock, timers });
  server.http.onClosing(() => server.homeserver.endPolls());
  const { host, port } = await server.http.listen('127.0.0.1', 0);
  const baseUrl = `http://${host}:${port}`;
  const clients: MatrixClient[] = [];
  return {
    server,
    baseUrl,
    async client(name) {
      const guest = createClient({ baseUrl, logger: silent });
      const password = `${name}'s password`;
      const available = await guest.register(name, password, null, { type: 'm.login.dummy' }).catch(() =>
        guest.loginRequest({
          type: 'm.login.password',
          identifier: { type: 'm.id.user', user: name },
          password,
        }),
      );
      const client = createClient({
        baseUrl,
        logger: silent,
        userId: available.user_id,
        accessToken: available.access_token ?? '',
        deviceId: available.device_id ?? '',
      });
      clients.push(client);
      const ready = once<SyncState>(client, ClientEvent.Sync, (state) => state === SyncState.Prepared);
      await client.startClient({
        initialSyncLimit: 20,
        lazyLoadMembers: true,
        threadSupport: true,
        pollTimeout: 30_000,
      });
      await ready;
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.stopClient();
      await server[Symbol.asyncDispose]();
      for (const quieted of consoles) quieted.mockRestore();
    },
  };
}

interface Emitter {
  on(event: string, listener: (...parameters: never[]) => void): unknown;
  off(event: string, listener: (...parameters: never[]) => void): unknown;
}

/** Resolves with the first event of that name that fits. Register it before what causes the event. */
export function once<First>(
  emitter: unknown,
  name: string,
  fits: (first: First) => boolean = () => true,
): Promise<First> {
  const source = emitter as Emitter;
  return new Promise((resolve) => {
    const listener = (first: First): void => {
      if (!fits(first)) return;
      source.off(name, listener);
      resolve(first);
    };
    source.on(name, listener);
  });
}

/** Resolves when `holds` does: at once, or after one of the client's syncs. */
export async function until(client: MatrixClient, holds: () => boolean): Promise<void> {
  while (!holds()) await once(client, ClientEvent.Sync);
}

/** The room as the client knows it. */
export function roomOf(client: MatrixClient, id: string): Room {
  const room = client.getRoom(id);
  if (room === null) throw new Error(`${client.getUserId()} does not know ${id}`);
  return room;
}

export function bodies(events: readonly MatrixEvent[]): unknown[] {
  return events
    .filter((event) => event.getType() === 'm.room.message')
    .map((event) => event.getContent().body);
}

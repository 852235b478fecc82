import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Retention } from '@matrix-futures/engine';
import { openDatabase } from '@matrix-futures/sqlite';
import type { Database } from '@matrix-futures/sqlite';
import { SqliteStore } from '../src/index.ts';
import type { JournalLimits } from '../src/index.ts';

export const timers = {
  soon(run: () => void): () => void {
    const handle = setImmediate(run);
    return () => clearImmediate(handle);
  },
};

export const week = 7 * 24 * 3_600_000;
export const usualRetention: Retention = { listed: week, listedPerOwner: 1_000, tombstones: week };

export interface FixtureOptions {
  readonly clock: Clock;
  readonly retention?: Retention;
  readonly journal?: JournalLimits;
}

/** A store on a file of its own, and what tests do to it. */
export class StoreFixture {
  readonly path: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'matrix-futures-store-'));
  readonly #options: FixtureOptions;
  database: Database;
  store: SqliteStore;
  #failing = false;

  constructor(options: FixtureOptions) {
    this.#options = options;
    this.path = join(this.#directory, 'test.db');
    this.database = this.#open();
    this.store = this.#makeStore(this.database);
  }

  #open(): Database {
    const database = openDatabase({ path: this.path, timers });
    // These tests kill at worst the process, never the machine, so what was written need not reach the disk.
    database.connection.exec('PRAGMA synchronous = OFF');
    return database;
  }

  #makeStore(database: Database): SqliteStore {
    const store = new SqliteStore({ retention: usualRetention, ...this.#options, database });
    // After the store's own: everything was written when the commit fails.
    database.turn.beforeCommit(() => {
      if (!this.#failing) return;
      this.#failing = false;
      throw new Error('disk full');
    });
    return store;
  }

  /** The next turn of the event loop is lost. */
  failNextCommit(): void {
    this.#failing = true;
  }

  /** Lets go of the files without committing anything, as a killed process does, and opens them again. */
  reopen(): SqliteStore {
    if (this.database.connection.isOpen) this.database.connection.close();
    this.database = this.#open();
    this.store = this.#makeStore(this.database);
    return this.store;
  }

  /** What a process that starts now would read from what is committed. */
  async withFreshStore<R>(look: (store: SqliteStore) => Promise<R>): Promise<R> {
    const database = this.#open();
    try {
      return await look(this.#makeStore(database));
    } finally {
      database.close();
    }
  }

  /** The first column of the first row. */
  ask(sql: string): unknown {
    return Object.values(this.database.connection.prepare(sql).get() ?? {})[0];
  }

  remove(): void {
    if (this.database.connection.isOpen) this.database.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Server time that a test sets. */
export class SetClock implements Clock {
  instant = 1_765_000_000_000.25;

  now(): number {
    return this.instant;
  }

  wall(): number {
    return Math.floor(this.instant);
  }
}

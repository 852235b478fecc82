import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Retention } from '@matrix-futures/engine';
import { openDatabase } from '@matrix-futures/sqlite';
import type { Database } from '@matrix-futures/sqlite';
import { SqliteStore } from '../src/index.ts';

export const timers = {
  soon(run: () => void): () => void {
    const handle = setImmediate(run);
    return () => clearImmediate(handle);
  },
};

export const week = 7 * 24 * 3_600_000;
export const usualRetention: Retention = { listed: week, listedPerOwner: 1_000, tombstones: week };

/** A store on a file of its own, and what tests do to it. */
export class StoreFixture {
  readonly directory = mkdtempSync(join(tmpdir(), 'matrix-futures-store-'));
  readonly #clock: Clock;
  readonly #retention: Retention;
  database: Database;
  store: SqliteStore;
  #failing = false;

  constructor(clock: Clock, retention = usualRetention) {
    this.#clock = clock;
    this.#retention = retention;
    this.database = this.#open();
    this.store = this.#makeStore();
  }

  #open(): Database {
    const database = openDatabase({ path: join(this.directory, 'test.db'), timers });
    // These tests kill at worst the process, never the machine, so what was written need not reach the disk.
    database.connection.exec('PRAGMA synchronous = OFF');
    database.turn.beforeCommit(() => {
      if (!this.#failing) return;
      this.#failing = false;
      throw new Error('disk full');
    });
    return database;
  }

  #makeStore(): SqliteStore {
    return new SqliteStore({ database: this.database, clock: this.#clock, retention: this.#retention });
  }

  /** The next turn of the event loop is lost. */
  failNextCommit(): void {
    this.#failing = true;
  }

  /** Lets go of the files without committing anything, as a killed process does, and opens them again. */
  reopen(): SqliteStore {
    this.database.connection.close();
    this.database = this.#open();
    this.store = this.#makeStore();
    return this.store;
  }

  remove(): void {
    if (this.database.connection.isOpen) this.database.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

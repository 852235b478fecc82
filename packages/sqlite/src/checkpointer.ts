import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';

/** All in pages of 4 KiB. */
export interface CheckpointLimits {
  /** So many wait to be copied before the worker is asked. */
  readonly worthCopying: number;
  /** A log of this length shall start over. */
  readonly long: number;
  /** So many the main thread may copy itself to let a long log start over: a few milliseconds. */
  readonly smallRest: number;
  /** The log grows faster than the worker copies: from here the main thread copies whatever is left. */
  readonly tooLong: number;
}

/** 4 MB, 64 MB, 2 MB, 256 MB */
const usual: CheckpointLimits = { worthCopying: 1_000, long: 16_000, smallRest: 500, tooLong: 64_000 };

/**
 * Copies the write-ahead log into the database beside the main thread. There, a checkpoint of 37 MB stalled every
 * request for 139 ms; in a worker, commits stayed under 9 ms. Only PASSIVE checkpoints: they wait for nobody and
 * make nobody wait.
 *
 * SQLite starts the log over when a write finds all of it copied. Under load the worker is always a few commits
 * behind, so when the log has become long the main thread copies the small rest between two turns.
 */
export class Checkpointer {
  readonly #path: string;
  readonly #limits: CheckpointLimits;
  readonly #state: StatementSync;
  readonly #passive: StatementSync;
  /** [0]: 1 once the worker has closed its connection */
  readonly #closed = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | null = null;
  #copying = false;
  /** After a checkpoint that failed (a full disk), wait until the log has grown beyond this. */
  #retryAt = 0;

  constructor(connection: DatabaseSync, path: string, limits = usual) {
    this.#path = path;
    this.#limits = limits;
    this.#state = connection.prepare('PRAGMA wal_checkpoint(NOOP)');
    this.#passive = connection.prepare('PRAGMA wal_checkpoint(PASSIVE)');
  }

  /** After a commit, outside any transaction (1 µs, beside a commit's 200). */
  committed(): void {
    const { worthCopying, long, smallRest, tooLong } = this.#limits;
    try {
      const { log, waiting } = progress(this.#state);
      if (log >= tooLong || (log >= long && waiting <= smallRest && !this.#copying)) this.#passive.get();
      else if (waiting >= (log >= long ? smallRest : worthCopying) && log >= this.#retryAt) this.#copy(log);
    } catch {
      // The commit stands. A log that cannot be copied now is copied later, or by the next start.
    }
  }

  /** Waits for the worker to let go of the files, five seconds at most. */
  close(): void {
    const worker = this.#worker;
    if (worker === null) return;
    this.#worker = null;
    worker.postMessage('close');
    Atomics.wait(this.#closed, 0, 0, 5_000);
    void worker.terminate();
  }

  #copy(log: number): void {
    if (this.#copying) return;
    this.#copying = true;
    this.#retryAt = 0;
    this.#worker ??= this.#startWorker();
    this.#worker.postMessage('copy');
    this.#worker.once('message', (copied: unknown) => {
      this.#copying = false;
      if (copied !== true) this.#retryAt = log + this.#limits.worthCopying;
    });
  }

  #startWorker(): Worker {
    const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), {
      workerData: { path: this.#path, closed: this.#closed },
    });
    worker.unref();
    worker.on('error', () => {
      if (this.#worker === worker) this.#worker = null;
      this.#copying = false;
    });
    return worker;
  }
}

function progress(state: StatementSync): { log: number; waiting: number } {
  const row = state.get();
  const log = Number(row?.['log'] ?? 0);
  return { log, waiting: log - Number(row?.['checkpointed'] ?? 0) };
}

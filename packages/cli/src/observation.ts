import type { Ms } from '@matrix-futures/engine';
import type { Server } from '@matrix-futures/http';
import type { SqliteStore } from '@matrix-futures/store-sqlite';
import type { Logger } from 'pino';
import { BackgroundFailures } from './background-failures.ts';
import type { Config } from './config/config.ts';
import { Lateness } from './lateness.ts';
import { listen } from './listen.ts';
import type { Metrics } from './metrics.ts';
import { machine, timers } from './system.ts';

/** What operators are told of a running server: in the log, and in metrics where they want them. */
export class Observation implements AsyncDisposable {
  readonly #failures: BackgroundFailures;
  readonly #lateness: Lateness;
  readonly #logger: Logger;
  readonly #metrics: Metrics | null;
  #server: Server | null = null;

  private constructor(logger: Logger, metrics: Metrics | null) {
    this.#logger = logger;
    this.#failures = new BackgroundFailures(logger, machine.running);
    this.#lateness = new Lateness(logger, timers);
    this.#metrics = metrics;
  }

  /** Metrics are loaded, and counted, only where somebody wants them. */
  static async open({ metricsListen }: Config, logger: Logger): Promise<Observation> {
    const metrics = metricsListen === null ? null : new (await import('./metrics.ts')).Metrics();
    return new Observation(logger, metrics);
  }

  /** A failure of work that nobody waits for. */
  readonly onError = (error: unknown): void => {
    this.#failures.record(error);
    this.#metrics?.failed(error);
  };

  /** A timer's event was accepted by its room. */
  readonly onFired = (lateness: Ms): void => {
    this.#lateness.record(lateness);
    this.#metrics?.fired(lateness);
  };

  /** How much the store holds. */
  watchStore(store: SqliteStore): void {
    this.watch('pending', 'Timeout futures whose timers run', () => store.timersRunning);
    this.watch(
      'deliveries',
      'Groups whose event is on its way to a homeserver elsewhere',
      () => store.leasesHeld,
    );
  }

  /** A value that metrics show as it is when they are asked for. */
  watch(name: string, help: string, read: () => number): void {
    this.#metrics?.watch(name, help, read);
  }

  /** Serves the metrics, if they are wanted. @throws StartError */
  async listen({ metricsListen }: Config): Promise<void> {
    if (this.#metrics === null || metricsListen === null) return;
    this.#server = await this.#metrics.server();
    const { url } = await listen(this.#server, metricsListen);
    this.#logger.info({ url: `${url}/metrics` }, 'metrics are served');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.close();
    this.#lateness[Symbol.dispose]();
  }
}

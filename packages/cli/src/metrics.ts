import type { Ms } from '@matrix-futures/engine';
import { createServer, endpoint, type Server } from '@matrix-futures/http';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { timers } from './system.ts';

/** From a tenth of a millisecond, what an idle server takes, to a minute, after an outage. In seconds. */
const latenessBuckets = [0.000_1, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5, 15, 60];

/** What Prometheus is told. Counted whether or not anybody asks: that costs less than to ask whether anybody does. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #lateness = new Histogram({
    name: 'matrix_futures_lateness_seconds',
    help: 'From the deadline of a timeout future to the acceptance of its event by the room',
    buckets: latenessBuckets,
    registers: [this.#registry],
  });
  readonly #failures = new Counter({
    name: 'matrix_futures_background_failures_total',
    help: 'Failures of work that nobody waits for, and which goes on',
    labelNames: ['error'],
    registers: [this.#registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** A timer's event was accepted, so late. */
  fired(lateness: Ms): void {
    this.#lateness.observe(lateness / 1_000);
  }

  /** @param error its name: how many there are of those is bounded by the code */
  failed(error: unknown): void {
    this.#failures.inc({ error: error instanceof Error ? error.name : typeof error });
  }

  /** A value that is read when somebody asks. */
  watch(name: string, help: string, read: () => number): void {
    this.#registry.registerMetric(
      new Gauge({
        name: `matrix_futures_${name}`,
        help,
        registers: [],
        collect() {
          this.set(read());
        },
      }),
    );
  }

  /** A server of its own, so that what is for operators is never in reach of clients. Serves `GET /metrics`. */
  server(): Promise<Server> {
    const metrics = endpoint({
      method: 'GET',
      paths: ['/metrics'],
      authentication: 'none',
      summary: 'What Prometheus collects',
      handle: async () => ({
        body: Buffer.from(await this.#registry.metrics()),
        headers: { 'Content-Type': this.#registry.contentType },
      }),
    });
    return createServer({ endpoints: [metrics], authenticate: () => null, timers });
  }
}

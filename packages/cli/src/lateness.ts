import type { Cancel, Ms, Timers } from '@matrix-futures/engine';
import type { Logger } from 'pino';
import { createHistogram } from './system.ts';

const every: Ms = 60_000;
/** The histogram counts whole microseconds. */
const microseconds = 1_000;

/**
 * How late timers' events reached their rooms, logged once a minute while there were any, and at the end:
 * `{"lateness":{"fired":120,"p50":0.4,"p99":2.1,"max":3.5}}`, in ms after the deadline.
 */
export class Lateness implements Disposable {
  readonly #logger: Logger;
  readonly #timers: Timers;
  readonly #histogram = createHistogram();
  #cancel: Cancel | null = null;

  constructor(logger: Logger, timers: Timers) {
    this.#logger = logger;
    this.#timers = timers;
  }

  record(lateness: Ms): void {
    this.#histogram.record(Math.max(1, Math.round(lateness * microseconds)));
    this.#cancel ??= this.#timers.after(every, () => this.#log());
  }

  #log(): void {
    this.#cancel?.();
    this.#cancel = null;
    const histogram = this.#histogram;
    if (histogram.count === 0) return;
    const at = (value: number): number => Math.round(value / 10) / 100;
    const lateness = {
      fired: histogram.count,
      p50: at(histogram.percentile(50)),
      p99: at(histogram.percentile(99)),
      max: at(histogram.max),
    };
    this.#logger.info({ lateness }, 'timers fired');
    histogram.reset();
  }

  [Symbol.dispose](): void {
    this.#log();
  }
}

import type { Instant, Ms } from './clock.ts';
import type { FutureId } from './future.ts';

const places = 1 << 16;

/**
 * How often each future was refreshed in the current second. A table of fixed size (65,536 places): futures whose
 * ids meet in one place forget each other's counts, which forgives, and never refuses, wrongly.
 */
export class RefreshRate {
  readonly #perSecond: number;
  readonly #future = new Float64Array(places);
  readonly #start = new Float64Array(places);
  readonly #count = new Uint32Array(places);

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Counts one refresh. null: allowed; else how long to wait. */
  exceeded(future: FutureId, now: Instant): Ms | null {
    const place = future % places;
    const start = this.#start[place] ?? 0;
    if (this.#future[place] !== future || now - start >= 1000) {
      this.#future[place] = future;
      this.#start[place] = now;
      this.#count[place] = 1;
      return null;
    }
    const count = (this.#count[place] ?? 0) + 1;
    if (count > this.#perSecond) return Math.ceil(start + 1000 - now);
    this.#count[place] = count;
    return null;
  }
}

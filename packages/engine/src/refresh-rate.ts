import type { Instant, Ms } from './clock.ts';
import type { FutureId } from './future.ts';
import type { Capability } from './store.ts';

const places = 1 << 16;

/**
 * How often each future was refreshed in the current second, by each capability of its own: one that was revoked, or
 * that is none without a login, does not use up what the valid one has. A table of fixed size (65,536 places): what
 * meets in one place forgets the other's count, which forgives, and never refuses, wrongly.
 */
export class RefreshRate {
  readonly #perSecond: number;
  readonly #future = new Float64Array(places);
  readonly #right = new Uint32Array(places);
  readonly #start = new Float64Array(places);
  readonly #count = new Uint32Array(places);

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Counts one refresh. null: allowed; else how long to wait. */
  exceeded(capability: Capability, now: Instant): Ms | null {
    const { future } = capability;
    const right = rightOf(capability);
    const place = placeOf(future, right);
    const start = this.#start[place] ?? 0;
    if (this.#future[place] !== future || this.#right[place] !== right || now - start >= 1000) {
      this.#future[place] = future;
      this.#right[place] = right;
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

/** Half of the nonce tells the capabilities on one future apart, and its complement is for those of one generation. */
function rightOf({ nonce, generation }: Capability): number {
  return generation === null ? nonce.low : ~nonce.low >>> 0;
}

function placeOf(future: FutureId, right: number): number {
  return (future + right) % places;
}

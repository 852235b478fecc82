import type { Clock, Ms } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import { BoundedMap } from '../cache/bounded-map.ts';

/** How often something may happen: `burst` at once, `perSecond` in the long run. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** A token bucket for each key. */
export interface RateLimiter {
  /** @throws MatrixError 429 `M_LIMIT_EXCEEDED` with `Retry-After` and `retry_after_ms` */
  take(key: string): void;
}

/** Buckets kept. A key used less recently than this many others starts again with a full one. */
const keptBuckets = 50_000;

interface Bucket {
  readonly level: number;
  readonly at: Ms;
}

export function createRateLimiter(clock: Clock, rate: Rate): RateLimiter {
  const buckets = new BoundedMap<string, Bucket>(keptBuckets);

  const levelOf = (key: string): number => {
    const bucket = buckets.get(key);
    if (bucket === undefined) return rate.burst;
    return Math.min(rate.burst, bucket.level + ((clock.now() - bucket.at) / 1_000) * rate.perSecond);
  };
  return {
    take(key) {
      const level = levelOf(key);
      if (level < 1) throw tooMany(Math.ceil(((1 - level) / rate.perSecond) * 1_000));
      buckets.set(key, { level: level - 1, at: clock.now() });
    },
  };
}

/** `--rate-limits off` */
export const unlimited: RateLimiter = { take: () => {} };

function tooMany(retryAfter: Ms): MatrixError {
  return new MatrixError(
    'limitExceeded',
    `Too many requests: try again in ${retryAfter} ms.`,
    { retry_after_ms: retryAfter },
    { 'Retry-After': String(Math.ceil(retryAfter / 1_000)) },
  );
}

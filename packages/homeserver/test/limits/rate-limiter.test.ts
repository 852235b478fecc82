import { MatrixError } from '@matrix-futures/http';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRateLimiter } from '../../src/limits/rate-limiter.ts';
import { manualTime } from '../server/manual-clock.ts';

function passes(take: () => void): boolean {
  try {
    take();
    return true;
  } catch (error) {
    if (error instanceof MatrixError && error.status === 429) return false;
    throw error;
  }
}

test('in no stretch of time more passes than the burst and the rate allow', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 4 }),
      (pauses, burst, perSecond) => {
        const time = manualTime();
        const limiter = createRateLimiter(time, { burst, perSecond });
        const taken: number[] = [];
        for (const pause of pauses) {
          time.advance(pause);
          if (passes(() => limiter.take('a'))) taken.push(time.now());
        }
        taken.forEach((from, first) => {
          taken.slice(first).forEach((to, further) => {
            expect(further + 1).toBeLessThanOrEqual(burst + ((to - from) / 1_000) * perSecond + 1e-6);
          });
        });
      },
    ),
  );
});

test('after the time that a refusal names it passes, and not a millisecond sooner', () => {
  const time = manualTime();
  const limiter = createRateLimiter(time, { burst: 1, perSecond: 0.2 });
  limiter.take('a');
  time.advance(4_999);
  expect(() => limiter.take('a')).toThrow(
    expect.objectContaining({ fields: { retry_after_ms: 1 }, headers: { 'Retry-After': '1' } }),
  );
  time.advance(1);
  limiter.take('a');
});

test('keys do not share a bucket', () => {
  const limiter = createRateLimiter(manualTime(), { burst: 1, perSecond: 1 });
  limiter.take('a');
  expect(passes(() => limiter.take('b'))).toBe(true);
  expect(passes(() => limiter.take('a'))).toBe(false);
});

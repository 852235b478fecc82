import { describe, expect, test } from 'vitest';
import { UserRate } from '../src/user-rate.ts';

describe('the rate of a user', () => {
  test('lets a burst through, then as many as the bucket is filled by', () => {
    const rate = new UserRate(8, 3);
    for (let count = 0; count < 3; count += 1) expect(rate.exceeded('@a:x', 1, 0)).toBe(null);
    expect(rate.exceeded('@a:x', 1, 0)).toBe(125);
    expect(rate.exceeded('@a:x', 1, 62.5)).toBe(63);
    expect(rate.exceeded('@a:x', 1, 125)).toBe(null);
    expect(rate.exceeded('@a:x', 2, 125)).toBe(250);
  });

  test('a refusal takes nothing out, so waiting as long as was said is enough', () => {
    const rate = new UserRate(1, 5);
    rate.exceeded('@a:x', 5, 0);
    for (let again = 0; again < 50; again += 1) rate.exceeded('@a:x', 1, 0);
    expect(rate.exceeded('@a:x', 1, 1_000)).toBe(null);
  });

  test('never holds more than a burst, and asks no more than a full bucket of whoever wants more at once', () => {
    const rate = new UserRate(1, 5);
    expect(rate.exceeded('@a:x', 64, 0)).toBe(null);
    expect(rate.exceeded('@a:x', 64, 0)).toBe(5_000);
    expect(rate.exceeded('@a:x', 64, 1e9)).toBe(null);
    expect(rate.exceeded('@a:x', 1, 1e9)).toBe(1_000);
  });

  test('is of each user alone, and forgets the least recent of too many, which forgives them', () => {
    const rate = new UserRate(1, 1, 2);
    for (const user of ['@a:x', '@b:x', '@c:x']) expect(rate.exceeded(user, 1, 0)).toBe(null);
    expect(rate.exceeded('@b:x', 1, 0)).toBe(1_000);
    expect(rate.exceeded('@a:x', 1, 0)).toBe(null);
  });
});

import { expect, test } from 'vitest';
import { RefreshRate } from '../src/refresh-rate.ts';

test('the refresh after the allowed ones waits for the second to end, and the next second starts afresh', () => {
  const rate = new RefreshRate(3);
  expect([0, 100, 200].map((now) => rate.exceeded(7, now))).toEqual([null, null, null]);
  expect(rate.exceeded(7, 300.5)).toBe(700);
  expect(rate.exceeded(7, 999)).toBe(1);
  expect(rate.exceeded(7, 1_000)).toBeNull();
});

test('one future does not count for another, not even one that shares its place', () => {
  const rate = new RefreshRate(1);
  expect(rate.exceeded(7, 0)).toBeNull();
  expect(rate.exceeded(8, 0)).toBeNull();
  expect(rate.exceeded(7 + 65_536, 0)).toBeNull();
});

import { expect, test } from 'vitest';
import { RefreshRate } from '../src/refresh-rate.ts';

const capability = (future: number, low = 5) => ({ future, nonce: { high: 1, low }, generation: null });

test('the refresh after the allowed ones waits for the second to end, and the next second starts afresh', () => {
  const rate = new RefreshRate(3);
  const seven = capability(7);
  expect([0, 100, 200].map((now) => rate.exceeded(seven, now))).toEqual([null, null, null]);
  expect(rate.exceeded(seven, 300.5)).toBe(700);
  expect(rate.exceeded(seven, 999)).toBe(1);
  expect(rate.exceeded(seven, 1_000)).toBeNull();
});

test('one future does not count for another, not even one that shares its place', () => {
  const rate = new RefreshRate(1);
  expect(rate.exceeded(capability(7), 0)).toBeNull();
  expect(rate.exceeded(capability(8), 0)).toBeNull();
  expect(rate.exceeded(capability(7 + 65_536), 0)).toBeNull();
});

test('of one future, a capability does not count for one with another nonce or of one generation only', () => {
  const rate = new RefreshRate(1);
  const token = capability(7);
  expect(rate.exceeded(token, 0)).toBeNull();
  expect(rate.exceeded(token, 0)).toBe(1_000);
  expect(rate.exceeded(capability(7, 6), 0)).toBeNull();
  expect(rate.exceeded({ ...token, generation: 'delay-parameter' }, 0)).toBeNull();
});

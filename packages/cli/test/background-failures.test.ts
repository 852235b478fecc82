import pino from 'pino';
import { expect, test } from 'vitest';
import { BackgroundFailures } from '../src/background-failures.ts';

test('a failure that repeats is logged when it comes, and then once a minute with its count', () => {
  const lines: { times: number; err: { message: string } }[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  let now = 0;
  const failures = new BackgroundFailures(logger, () => now);
  for (now = 0; now <= 60_000; now += 250) failures.record(new Error('disk full'));
  failures.record(new Error('something else'));
  expect(lines.map(({ times, err }) => [err.message, times])).toEqual([
    ['disk full', 1],
    ['disk full', 240],
    ['something else', 1],
  ]);
});

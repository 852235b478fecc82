import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { live } from './life.ts';
import { Load } from './load.ts';
import type { Operation } from './operation.ts';

/** The longest that a trial waits for. */
const longestWait = 8_000;
/** So many that who gives up three times in ten has given up. */
const refusals = 25;

it('what would outlast the trial is asked for until there is an answer, since nobody else could end it', async () => {
  const attempts = new Map<string, number>();
  await using server = createServer((request, response) => {
    const { url = '' } = request;
    const before = attempts.get(url) ?? 0;
    attempts.set(url, before + 1);
    request.resume();
    response.writeHead(before < refusals ? 503 : 409).end('{}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  const operations: Operation[] = [];
  const setting = { seed: 1, lives: 0, users: ['alice'], rooms: ['!room'] };
  const load = new Load(`http://127.0.0.1:${address.port}`, setting, (one) => operations.push(one));
  load.finishing = true;

  await Promise.all(Array.from({ length: 900 }, (_, index) => live(load, `g${index}`, true)));

  const sequences = [...Map.groupBy(operations, ({ group }) => group).values()];
  const lasting = sequences.filter((sequence) =>
    sequence.some(({ futures }) => futures.some(({ timeout }) => (timeout ?? 0) > longestWait)),
  );
  expect(lasting.filter(([first]) => first?.sendNow !== null).length).toBeGreaterThan(1);
  expect(lasting.map((sequence) => sequence.at(-1)?.answer?.status)).toEqual(lasting.map(() => 409));
  // The others are the ones that give up.
  expect(sequences.some((sequence) => sequence.at(-1)?.answer?.status === 503)).toBe(true);
});

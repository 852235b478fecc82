import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { openDatabase, type Database } from '@matrix-futures/sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate } from '../../src/schema/migrate.ts';
import { openPositions } from '../../src/stream/positions.ts';
import { manualTime } from '../server/manual-clock.ts';

let directory: string;
let database: Database;
const open = (): Database => {
  const opened = openDatabase({ path: join(directory, 'db'), timers: manualTime() });
  migrate(opened);
  return opened;
};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'positions-'));
  database = open();
});
afterEach(() => {
  database.close();
  rmSync(directory, { recursive: true });
});

test('positions count up by one, and current is the last', async () => {
  const positions = openPositions(database);
  const given = await database.turn.unit(() => [positions.next(), positions.next(), positions.next()]);
  expect(given).toEqual([1, 2, 3]);
  expect(positions.current()).toBe(3);
});

test('a unit that is undone gives its positions back', async () => {
  const positions = openPositions(database);
  const first = await database.turn.unit(() => positions.next());
  const failed = database.turn.unit(() => {
    positions.next();
    positions.next();
    throw new Error('undone');
  });
  await expect(failed).rejects.toThrow('undone');
  expect(positions.current()).toBe(first);
  expect(await database.turn.unit(() => positions.next())).toBe(first + 1);
});

test('whatever was given out is below what is given out after a restart', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ count: fc.integer({ min: 1, max: 1_500 }), fails: fc.boolean() }), {
        maxLength: 4,
      }),
      async (units) => {
        const positions = openPositions(database);
        let last = positions.current();
        for (const { count, fails } of units) {
          const work = database.turn.unit(() => {
            for (let n = 0; n < count; n += 1) positions.next();
            if (fails) throw new Error('undone');
            return positions.current();
          });
          last = await work.catch(() => last);
          expect(positions.current()).toBe(last);
        }
        database.close();
        database = open();
        const reopened = openPositions(database);
        expect(await database.turn.unit(() => reopened.next())).toBeGreaterThan(last);
      },
    ),
    { numRuns: 25 },
  );
});

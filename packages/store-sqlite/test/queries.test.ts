import { expect, test } from 'vitest';
import { openDatabase } from '@matrix-futures/sqlite';
import type { Database } from '@matrix-futures/sqlite';
import { SqliteStore } from '../src/index.ts';
import { SetClock, timers, usualRetention } from './store-fixture.ts';

/** Read whole, and only at start: the journal, the marks, and in indexes what is pending, inactive or under way. */
const readAtStart = [
  'SCAN journal',
  'SCAN marks',
  'SCAN futures USING COVERING INDEX futures_by_list',
  'SCAN owners USING COVERING INDEX owners_inactive',
  'SCAN groups USING INDEX groups_under_way',
];

test('no query reads more than it asks for: each goes by a key or an index, and sorts nothing that may be long', () => {
  const database = openDatabase({ path: ':memory:', timers });
  const texts = new Set<string>();
  const watched: Database = {
    ...database,
    prepare: (sql) => {
      texts.add(sql);
      return database.prepare(sql);
    },
    prepareTuples: (sql) => {
      texts.add(sql);
      return database.prepareTuples(sql);
    },
  };
  const store = new SqliteStore({ database: watched, clock: new SetClock(), retention: usualRetention });
  expect(store.nextDue()).toBe(null);
  expect(texts.size).toBeGreaterThan(30);
  for (const sql of texts) {
    const plan = database.connection.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    const steps = plan.map(({ detail }) => String(detail));
    const long = steps.filter(
      (step) => /^SCAN|TEMP B-TREE/.test(step) && !readAtStart.includes(step) && !isBounded(step, sql),
    );
    expect([sql, ...long]).toEqual([sql]);
  }
});

/** Reads the first rows of what is in that order already, or one row, or what it was handed. */
function isBounded(step: string, sql: string): boolean {
  if (step.startsWith('SCAN json_each')) return true;
  return step.startsWith('SCAN') && (/ORDER BY \w+ LIMIT/.test(sql) || sql.includes('sqlite_sequence'));
}

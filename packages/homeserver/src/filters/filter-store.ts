import type { UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import type { Database, Migration } from '@matrix-futures/sqlite';
import { BoundedMap } from '../cache/bounded-map.ts';
import { parseFilter, type Filter } from './filter.ts';

/** Append only. */
export const filterMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE filter (
        user_id TEXT NOT NULL,
        filter_id INTEGER NOT NULL, -- counts from 1 for each user
        filter TEXT NOT NULL,       -- JSON
        PRIMARY KEY (user_id, filter_id)
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

/** Filters that users have stored. They never change, so they are kept in memory once read. */
export interface FilterStore {
  /**
   * Inside a unit. The same filter again gets the same id.
   * @throws MatrixError `tooLarge`, or `limitExceeded` for more filters than a client has use for
   */
  add(user: UserId, filter: Filter): string;
  /** @returns null when the user has no filter of that id */
  get(user: UserId, id: string): Filter | null;
}

const maxLength = 64 * 1024;
const maxFilters = 1_000;

export function openFilterStore(database: Database): FilterStore {
  const same = database.prepare<[UserId, string], { id: number }>(
    'SELECT filter_id AS id FROM filter WHERE user_id = ? AND filter = ?',
  );
  const last = database.prepare<[UserId], { id: number | null }>(
    'SELECT max(filter_id) AS id FROM filter WHERE user_id = ?',
  );
  const insert = database.prepare<[UserId, number, string], never>(
    'INSERT INTO filter (user_id, filter_id, filter) VALUES (?, ?, ?)',
  );
  const find = database.prepare<[UserId, number], { filter: string }>(
    'SELECT filter FROM filter WHERE user_id = ? AND filter_id = ?',
  );
  const known = new BoundedMap<string, Filter>(1_000);
  database.turn.onLost(() => known.clear());

  return {
    add(user, filter) {
      const json = JSON.stringify(filter);
      if (json.length > maxLength) throw new MatrixError('tooLarge', 'The filter is too large');
      const existing = same.get(user, json);
      if (existing !== undefined) return String(existing.id);
      const id = (last.get(user)?.id ?? 0) + 1;
      if (id > maxFilters) throw new MatrixError('limitExceeded', 'Too many filters');
      insert.run(user, id, json);
      return String(id);
    },
    get(user, id) {
      const number = /^[1-9]\d{0,8}$/.test(id) ? Number(id) : null;
      if (number === null) return null;
      const key = `${id} ${user}`;
      const filter = known.get(key) ?? read(user, number);
      if (filter !== null) known.set(key, filter);
      return filter;
    },
  };

  function read(user: UserId, id: number): Filter | null {
    const row = find.get(user, id);
    return row === undefined ? null : parseFilter(row.filter);
  }
}

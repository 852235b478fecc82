import type { EventId, Instant, TransactionMemory } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import { fromJson } from './json.ts';

/** What transaction ids answered, oldest first. */
export class Transactions {
  readonly #put;
  readonly #get;
  readonly #oldest;
  readonly #remove;

  constructor(database: Database) {
    this.#put = database.prepare<[string, Instant, string, string, EventId | null], never>(
      'INSERT OR REPLACE INTO transactions (scope, at, group_name, futures, send_now) VALUES (?, ?, ?, ?, ?)',
    );
    this.#get = database.prepare<[string], TransactionRow>(
      'SELECT at, group_name, futures, send_now FROM transactions WHERE scope = ?',
    );
    this.#oldest = database.prepare<[number], { number: number; at: Instant }>(
      'SELECT number, at FROM transactions ORDER BY number LIMIT ?',
    );
    this.#remove = database.prepare<[number], never>('DELETE FROM transactions WHERE number = ?');
  }

  remember({ scope, at, groupName, futures, sendNow }: TransactionMemory): void {
    this.#put.run(scope, at, groupName, JSON.stringify(futures), sendNow);
  }

  recall(scope: string): TransactionMemory | null {
    const row = this.#get.get(scope);
    if (row === undefined) return null;
    const { at, group_name: groupName, send_now: sendNow } = row;
    return { scope, at, groupName, futures: fromJson(row.futures), sendNow };
  }

  /** Forgets what was answered at or before `until`, at most `limit` of it. Answers how many. */
  forget(until: Instant, limit: number): number {
    if (limit <= 0) return 0;
    // They were remembered in order of time, so the first that is too young ends it.
    const old = this.#oldest.all(limit);
    const young = old.findIndex(({ at }) => at > until);
    const expired = young < 0 ? old : old.slice(0, young);
    for (const { number } of expired) this.#remove.run(number);
    return expired.length;
  }
}

interface TransactionRow {
  readonly at: Instant;
  readonly group_name: string;
  readonly futures: string;
  readonly send_now: EventId | null;
}

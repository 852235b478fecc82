import { openDatabase } from '../src/index.ts';
import type { Database, Timers } from '../src/index.ts';

/** Timers that wait for the test: `turn()` is the end of a turn of the event loop. */
export class ManualTimers implements Timers {
  #waiting: (() => void)[] = [];

  soon(run: () => void): () => void {
    this.#waiting.push(run);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== run);
    };
  }

  turn(): void {
    const due = this.#waiting;
    this.#waiting = [];
    for (const run of due) run();
  }
}

export interface Fixture {
  readonly database: Database;
  readonly timers: ManualTimers;
  readonly fatal: Error[];
  /** Adds one name. */
  insert(name: string): void;
  names(): string[];
}

/** A database with one table of unique names. */
export function nameDatabase(path = ':memory:'): Fixture {
  const timers = new ManualTimers();
  const fatal: Error[] = [];
  const database = openDatabase({ path, timers, onFatal: (error) => fatal.push(error) });
  database.migrate('test', [{ version: 1, sql: 'CREATE TABLE names (name TEXT NOT NULL UNIQUE) STRICT' }]);
  const insert = database.prepare<[string], never>('INSERT INTO names (name) VALUES (?)');
  const select = database.prepare<[], { name: string }>('SELECT name FROM names ORDER BY rowid');
  return {
    database,
    timers,
    fatal,
    insert: (name) => void insert.run(name),
    names: () => select.all().map(({ name }) => name),
  };
}

/** Lets everything run that already settled promises have set off. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { Checkpointer } from './checkpointer.ts';
import { durability } from './durability.ts';
import { migrate } from './migration.ts';
import type { Migration } from './migration.ts';
import { createStatement } from './statement.ts';
import type { Statement } from './statement.ts';
import { Transaction } from './transaction.ts';
import type { Timers } from './transaction.ts';
import type { Turn } from './turn.ts';

export interface DatabaseOptions {
  /** The file; `:memory:` for tests. */
  readonly path: string;
  readonly timers: Timers;
  /**
   * Memory may no longer match the disk: end the process, the next start reads everything back. Without it the error
   * is thrown where nobody can catch it.
   */
  readonly onFatal?: (error: Error) => void;
}

/** The one database, its one writing connection, and the transaction of the turn. */
export interface Database {
  /** For tests and tools. Whatever writes goes through `prepare`, which ties it to the turn. */
  readonly connection: DatabaseSync;
  readonly turn: Turn;
  /** At start, before the first unit that needs the tables. @throws SchemaTooNew */
  migrate(component: string, migrations: readonly Migration[]): void;
  /** Each text is compiled once. */
  prepare<Parameters extends readonly SQLInputValue[], Row>(sql: string): Statement<Parameters, Row>;
  /** Like `prepare`, but each row is an array of its columns: twice as fast where a million rows are read. */
  prepareTuples<Parameters extends readonly SQLInputValue[], Row extends readonly SQLOutputValue[]>(
    sql: string,
  ): Statement<Parameters, Row>;
  /** Commits the open turn, waits for a checkpoint that is running, lets go of the files. */
  close(): void;
}

/** How long a statement waits for somebody else's lock (an operator's shell, a backup), in ms, before it fails. */
const busyTimeout = 5_000;

export function openDatabase({ path, timers, onFatal = throwUncaught }: DatabaseOptions): Database {
  const inMemory = path === ':memory:';
  // The log and its index inherit the mode of the file: nobody but its owner may read it.
  if (!inMemory) closeSync(openSync(path, 'a', 0o600));
  const connection = new DatabaseSync(path, { timeout: busyTimeout });
  // Temporary tables and the journals of savepoints stay in memory; 64 MiB of pages are cached; after a burst the
  // log's file is cut back to 64 MiB.
  connection.exec(`${durability}
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -65536;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA trusted_schema = OFF;
  `);
  const checkpointer = inMemory ? null : new Checkpointer(connection, path);
  const transaction = new Transaction(connection, timers, {
    committed: () => checkpointer?.committed(),
    fatal: onFatal,
  });
  const compiled = new Map<string, StatementSync>();
  return {
    connection,
    turn: transaction,
    migrate(component, migrations) {
      transaction.settle();
      migrate(connection, component, migrations);
    },
    prepare<Parameters extends readonly SQLInputValue[], Row>(sql: string): Statement<Parameters, Row> {
      const statement = compiled.get(sql) ?? connection.prepare(sql);
      compiled.set(sql, statement);
      return createStatement(statement, sql, transaction);
    },
    prepareTuples<Parameters extends readonly SQLInputValue[], Row extends readonly SQLOutputValue[]>(
      sql: string,
    ) {
      const statement = connection.prepare(sql);
      statement.setReturnArrays(true);
      return createStatement<Parameters, Row>(statement, sql, transaction);
    },
    close() {
      if (!connection.isOpen) return;
      transaction.settle();
      checkpointer?.close();
      connection.close();
    },
  };
}

function throwUncaught(error: Error): void {
  queueMicrotask(() => {
    throw error;
  });
}

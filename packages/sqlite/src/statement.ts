import type { SQLInputValue, StatementResultingChanges, StatementSync } from 'node:sqlite';
import type { Transaction } from './transaction.ts';

/**
 * A prepared statement, kept for as long as its database. `Parameters` are its `?` in order; `Row` is the shape of
 * its rows: integers are numbers (an error beyond 2^53), `BLOB`s are `Uint8Array`s, `NULL` is null.
 *
 * Statements that write (everything but `SELECT`) run inside a unit of the turn only. After a storage error every
 * statement of the turn throws `TurnLost`.
 */
export interface Statement<Parameters extends readonly SQLInputValue[], Row> {
  /** The first row. */
  get(...parameters: Parameters): Row | undefined;
  all(...parameters: Parameters): Row[];
  run(...parameters: Parameters): Changes;
  /** Row by row; the statement must not be used again before the iteration has ended. */
  iterate(...parameters: Parameters): IterableIterator<Row>;
}

export interface Changes {
  readonly changes: number;
  /** of the last `INSERT` of the connection */
  readonly lastInsertRowid: number;
}

const reads = /^\s*(select|explain)\b/i;

export function createStatement<Parameters extends readonly SQLInputValue[], Row>(
  statement: StatementSync,
  sql: string,
  transaction: Transaction,
): Statement<Parameters, Row> {
  const onlyReads = reads.test(sql);
  const guard = <R>(work: () => R): R => {
    if (onlyReads) transaction.read();
    else transaction.write();
    try {
      return work();
    } catch (error) {
      transaction.failed(error);
      throw error;
    }
  };
  return {
    get: (...parameters) => guard(() => rowOf<Row | undefined>(statement.get(...parameters))),
    all: (...parameters) => guard(() => rowOf<Row[]>(statement.all(...parameters))),
    run: (...parameters) => guard(() => changesOf(statement.run(...parameters))),
    iterate: (...parameters) => guard(() => rowOf<IterableIterator<Row>>(statement.iterate(...parameters))),
  };
}

/** The one place where a row gets its type: what a statement's text selects is known to its author only, and tests
 * run every statement. */
function rowOf<Row>(row: unknown): Row {
  return row as Row;
}

function changesOf({ changes, lastInsertRowid }: StatementResultingChanges): Changes {
  return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) };
}

import type { Database } from '@matrix-futures/sqlite';

/**
 * The one counter behind every stream: events, receipts, typing, account data. A position is given to a change when
 * it is written; whoever has seen everything up to a position asks for what came after it.
 */
export interface Positions {
  /** A position above every other. Called inside the unit that writes what it stands for. */
  next(): number;
  /**
   * The last position given out. Read it inside the unit that reads the rows, before them: what it covers is in that
   * unit's transaction, and the answer leaves after its commit.
   */
  current(): number;
}

/** How many positions are reserved by one write: those of typing have no row of their own to be read back from. */
const block = 1_000;

/** Positions go on after a restart where the reserved ones ended, so that none is given out twice. */
export function openPositions(database: Database): Positions {
  const { turn } = database;
  const read = database.prepare<[], { reserved: number }>('SELECT reserved FROM stream');
  const write = database.prepare<[number], never>('UPDATE stream SET reserved = ?');
  let reserved = read.get()?.reserved ?? 0;
  let position = reserved;

  const reserve = (upTo: number): void => {
    const before = reserved;
    write.run(upTo);
    turn.onUndo(() => (reserved = before));
    reserved = upTo;
  };

  return {
    next() {
      const before = position;
      if (position === reserved) reserve(position + block);
      turn.onUndo(() => (position = before));
      position += 1;
      return position;
    },
    current: () => position,
  };
}

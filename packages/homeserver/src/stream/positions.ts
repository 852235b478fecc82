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

/** How many positions are reserved by one write. Gaps do no harm: nobody counts on positions being dense. */
const block = 1_000;

/** Positions go on after a restart where the reserved ones ended, so that none is given out twice. */
export function openPositions(database: Database): Positions {
  const read = database.prepare<[], { reserved: number }>('SELECT reserved FROM stream');
  const reserve = database.prepare<[number], never>('UPDATE stream SET reserved = ?');
  let position = read.get()?.reserved ?? 0;
  let reserved = position; // only what is committed
  // What lies beyond was of the lost turn, and nobody was told of it.
  database.turn.onLost(() => (position = Math.min(position, reserved)));

  return {
    next() {
      position += 1;
      // Half a block early, and again until a commit has carried it: a unit that is undone takes its write with it.
      if (position > reserved - block / 2) {
        const upTo = position + block;
        reserve.run(upTo);
        database.turn.onCommit(() => (reserved = upTo));
      }
      return position;
    },
    current: () => position,
  };
}

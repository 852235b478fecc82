import type { FutureId, Instant } from '@matrix-futures/engine';
import type { Database, Turn } from '@matrix-futures/sqlite';
import type { Timers } from './timers.ts';

/**
 * How many entries are kept before they are folded: the more, the fewer are still the last of their future when their
 * turn comes, and each that is costs a page. With three entries a future that is one in twenty, even when refreshes
 * come at random; a start takes 0.2 µs for each.
 */
export interface JournalLimits {
  readonly least: number;
  readonly perFuture: number;
}

const usual: JournalLimits = { least: 1_000_000, perFuture: 3 };

/** Rows that one commit writes at most to fold the journal: each is a page, and the answers of the turn wait for it. */
const FOLDED_AT_ONCE = 200;
const FIRST_ROOM = 256;

/**
 * The refreshes of one turn as one packed row (2.9 million a second, where a row each makes 67,000), little-endian:
 *
 * ```
 * entry: future id (8 bytes, a double) · deadline (8, a double; NaN: the future's own row has everything)
 * ```
 * The last entry of a future, by sequence of the row and place in it, is the one that counts, and not the latest
 * deadline: a change may have moved it forward. Ids are never used again, so entries of futures that ended say nothing.
 *
 * When the journal has grown beyond its limit, every commit folds a little of its oldest row: entries that are still
 * the last of a scheduled future go to that future's row, with what memory says, and a row that is done with is
 * deleted in the same transaction.
 */
export class Journal {
  readonly #turn: Turn;
  readonly #timers: Timers;
  readonly #limits: JournalLimits;
  readonly #insert;
  readonly #oldest;
  readonly #remove;
  readonly #fold;
  readonly #all;
  #gathered = new Float64Array(2 * FIRST_ROOM);
  #length = 0;
  #sequence = 1;
  /** entries in the table */
  #stored = 0;
  /** how far into the oldest row it is folded */
  #folded = 0;

  constructor(database: Database, timers: Timers, limits = usual) {
    this.#turn = database.turn;
    this.#timers = timers;
    this.#limits = limits;
    this.#insert = database.prepare<[number, Uint8Array], never>(
      'INSERT INTO journal (sequence, entries) VALUES (?, ?)',
    );
    this.#oldest = database.prepare<[], JournalRow>(
      'SELECT sequence, entries FROM journal ORDER BY sequence LIMIT 1',
    );
    this.#remove = database.prepare<[number], never>('DELETE FROM journal WHERE sequence = ?');
    this.#fold = database.prepare<[Instant, Instant, FutureId], never>(
      'UPDATE futures SET deadline = ?, since = ? WHERE id = ?',
    );
    this.#all = database.prepare<[], JournalRow>(
      'SELECT sequence, entries FROM journal ORDER BY sequence DESC',
    );
    this.#turn.beforeCommit(() => this.#flush());
  }

  /** Of the row that this turn's entries will stand in. */
  get sequence(): number {
    return this.#sequence;
  }

  append(id: FutureId, deadline: Instant): void {
    const before = this.#length;
    this.#turn.onUndo(() => {
      this.#length = before;
    });
    if (before === this.#gathered.length) {
      const longer = new Float64Array(2 * before);
      longer.set(this.#gathered);
      this.#gathered = longer;
    }
    this.#gathered[before] = id;
    this.#gathered[before + 1] = deadline;
    this.#length = before + 2;
  }

  /** At start, when all timers are in. */
  replay(): void {
    for (const { sequence, entries } of this.#all.iterate()) {
      const values = valuesOf(entries);
      for (let at = values.length - 2; at >= 0; at -= 2)
        this.#timers.replay(values[at] ?? 0, values[at + 1] ?? NaN, sequence);
      this.#stored += values.length / 2;
      this.#sequence = Math.max(this.#sequence, sequence + 1);
    }
  }

  #flush(): void {
    const length = this.#length;
    if (length === 0) return;
    const { stored, folded } = { stored: this.#stored, folded: this.#folded };
    this.#turn.onUndo(() => {
      this.#stored = stored;
      this.#folded = folded;
    });
    this.#insert.run(this.#sequence, new Uint8Array(this.#gathered.buffer, 0, 8 * length));
    this.#sequence += 1;
    this.#length = 0;
    this.#stored += length / 2;
    this.#foldSome(length / 2);
  }

  /**
   * Looks at twice as many entries as were added, so that the journal shrinks, and writes half as many rows. That is
   * enough: with every future in it once, an entry in two is no longer the last.
   */
  #foldSome(added: number): void {
    const { least, perFuture } = this.#limits;
    const limit = Math.max(least, perFuture * this.#timers.size);
    let left = 2 * added;
    let writes = Math.min(FOLDED_AT_ONCE, Math.ceil(added / 2));
    while (this.#stored > limit && left > 0 && writes > 0) {
      const row = this.#oldest.get();
      if (row === undefined) return;
      const values = valuesOf(row.entries);
      for (; this.#folded < values.length && left > 0 && writes > 0; this.#folded += 2) {
        left -= 1;
        const timer = this.#timers.read(values[this.#folded] ?? 0);
        if (timer === null || timer.journal !== row.sequence || Number.isNaN(values[this.#folded + 1]))
          continue;
        writes -= 1;
        this.#fold.run(timer.deadline, timer.since, timer.id);
      }
      if (this.#folded < values.length) return;
      this.#remove.run(row.sequence);
      this.#stored -= values.length / 2;
      this.#folded = 0;
    }
  }
}

interface JournalRow {
  readonly sequence: number;
  readonly entries: Uint8Array;
}

/** Copied, so that it begins where a double may begin. */
function valuesOf(entries: Uint8Array): Float64Array {
  return new Float64Array(entries.slice().buffer);
}

import type { FutureId, GroupId, Instant } from '@matrix-futures/engine';

/** Something that is due one day: a future's deadline, or the end of a claim's lease (`future` null). */
export interface Entry {
  readonly at: Instant;
  readonly group: GroupId;
  readonly future: FutureId | null;
}

/** By instant, then futures before leases, then id. */
function compare(a: Entry, b: Entry): number {
  return (
    a.at - b.at ||
    Number(a.future === null) - Number(b.future === null) ||
    (a.future ?? a.group) - (b.future ?? b.group)
  );
}

/** Entries in order, in one sorted array: moving a hundred thousand of them along costs less than a balanced tree. */
export class Agenda {
  readonly #entries: Entry[] = [];

  first(): Entry | null {
    return this.#entries[0] ?? null;
  }

  add(entry: Entry): void {
    this.#entries.splice(this.#placeOf(entry), 0, entry);
  }

  /** Takes out the entry that equals this one. */
  remove(entry: Entry): void {
    this.#entries.splice(this.#placeOf(entry), 1);
  }

  [Symbol.iterator](): Iterator<Entry> {
    return this.#entries.values();
  }

  #placeOf(entry: Entry): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#entries[middle];
      if (other !== undefined && compare(other, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

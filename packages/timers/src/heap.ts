import { IN_HEAP, UNSET, copyInto } from './table.ts';
import type { Table } from './table.ts';

/**
 * The timers whose time the wheel has reached, by deadline and then row: a binary heap whose members know their place,
 * so that each can be taken out. Every operation is bounded by the logarithm of its size, also when a million
 * timers are due at one instant, where sorting them at once would stall the caller.
 */
export class Heap {
  readonly #table: Table;
  #rows = new Uint32Array(64);
  #size = 0;

  constructor(table: Table) {
    this.#table = table;
  }

  /** The row that comes first; `UNSET` when there is none. */
  first(): number {
    return this.#size === 0 ? UNSET : this.#row(0);
  }

  add(row: number): void {
    if (this.#size === this.#rows.length) this.#rows = copyInto(new Uint32Array(2 * this.#size), this.#rows);
    this.#table.next[row] = IN_HEAP;
    this.#size += 1;
    this.#rise(this.#size - 1, row);
  }

  /** Takes out a row that stands in the heap; its `next` is left to the caller. */
  remove(row: number): void {
    const place = this.#table.previous[row] ?? 0;
    this.#size -= 1;
    const last = this.#row(this.#size);
    if (last === row) return;
    if (place > 0 && this.#before(last, this.#row((place - 1) >>> 1))) this.#rise(place, last);
    else this.#sink(place, last);
  }

  #rise(from: number, row: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >>> 1;
      const other = this.#row(above);
      if (!this.#before(row, other)) break;
      this.#put(place, other);
      place = above;
    }
    this.#put(place, row);
  }

  #sink(from: number, row: number): void {
    let place = from;
    for (let below = 2 * place + 1; below < this.#size; below = 2 * place + 1) {
      if (below + 1 < this.#size && this.#before(this.#row(below + 1), this.#row(below))) below += 1;
      const other = this.#row(below);
      if (!this.#before(other, row)) break;
      this.#put(place, other);
      place = below;
    }
    this.#put(place, row);
  }

  #before(a: number, b: number): boolean {
    const deadlines = this.#table.deadline;
    const first = deadlines[a] ?? 0;
    const second = deadlines[b] ?? 0;
    return first < second || (first === second && a < b);
  }

  #row(place: number): number {
    return this.#rows[place] ?? UNSET;
  }

  #put(place: number, row: number): void {
    this.#rows[place] = row;
    this.#table.previous[row] = place;
  }
}

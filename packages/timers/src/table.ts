/**
 * The columns of a timer, 16 bytes each: a deadline and two links. Rows are numbered: 0 is nobody, 1 to `HEADS` are
 * the heads of the wheel's lists, and everything after is a timer, so that a list's head needs no case of its own.
 */

/** seven levels of 256 lists: 2^56 ms, more than the 2^53 that a number counts exactly, so nothing overflows */
const LEVELS = 7;
export const LISTS = 256;
export const HEADS = LEVELS * LISTS;

/** In `next`: not set. */
export const UNSET = 0;
/** In `next`: the timer stands in the heap, and `previous` is its place there. */
export const IN_HEAP = 0xffffffff;

export class Table {
  deadline: Float64Array;
  next: Uint32Array;
  previous: Uint32Array;

  constructor(capacity: number) {
    const rows = HEADS + 1 + capacity;
    this.deadline = new Float64Array(rows);
    this.next = new Uint32Array(rows);
    this.previous = new Uint32Array(rows);
    for (let head = 1; head <= HEADS; head += 1) {
      this.next[head] = head;
      this.previous[head] = head;
    }
  }

  /** Makes room for `row` by doubling; the half that is not used yet takes no resident memory. */
  reach(row: number): void {
    if (row < this.next.length) return;
    const rows = Math.max(row + 1, 2 * this.next.length);
    this.deadline = copyInto(new Float64Array(rows), this.deadline);
    this.next = copyInto(new Uint32Array(rows), this.next);
    this.previous = copyInto(new Uint32Array(rows), this.previous);
  }
}

export function copyInto<A extends Float64Array | Uint32Array>(longer: A, shorter: A): A {
  longer.set(shorter);
  return longer;
}

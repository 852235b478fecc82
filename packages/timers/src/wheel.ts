import { Heap } from './heap.ts';
import { HEADS, IN_HEAP, LISTS, Table, UNSET } from './table.ts';

/**
 * How many timers one `expire` moves down at most, beside those it visits: about 2 ms, also when the list that is
 * reached holds a million.
 */
const MOVES = 16_384;

/** first row that is a timer */
const FIRST = HEADS + 1;
const WORD = 32;
const TWO_32 = 0x1_0000_0000;

/**
 * Deadlines of up to some hundred million timers, 16 bytes each, without an object for any of them.
 *
 * A hierarchical wheel: time is cut into its bytes, and a timer stands on the level of the highest byte in which its
 * deadline differs from the wheel's own time, in the list of that byte's value. So each list of level 0 is one
 * millisecond, of level 1 256 ms, and every timer of a lower level comes before every timer of a higher one. When the
 * wheel's time enters a list of a higher level, its timers move down. A bitmap of the lists in use lets
 * it skip any stretch of time in which nothing is due. Timers whose millisecond has come wait in a heap, which
 * gives the exact order, also to those that were set when their deadline had passed.
 *
 * Timers are named by the caller: slots are non-negative integers, and memory is proportional to the largest.
 * Deadlines are whole milliseconds from 0 to 2^53 − 1. Arguments outside of that throw `RangeError`.
 */
export class TimerWheel {
  readonly #table: Table;
  readonly #due: Heap;
  /** a bit for each list that is not empty, in the order of the heads */
  readonly #inUse = new Uint32Array(HEADS / WORD);
  /** by head: no timer of the list has an earlier deadline; exact until the earliest one is taken out */
  readonly #floor = new Float64Array(FIRST);
  /** The wheel's own time, whole milliseconds: no list in use begins at or before it, except `#moving`. */
  #time: number;
  /** the head of the list that is being moved down */
  #moving = UNSET;
  #size = 0;

  /**
   * @param options.now where the wheel's time begins; deadlines may be earlier
   * @param options.capacity how many slots to make room for; it grows by doubling, which copies (some 2 ms at a million)
   */
  constructor(options: { readonly now: number; readonly capacity?: number }) {
    this.#table = new Table(options.capacity ?? 1024);
    this.#due = new Heap(this.#table);
    this.#time = Math.max(0, Math.floor(options.now));
  }

  /** how many timers are set */
  get size(): number {
    return this.#size;
  }

  /** Sets the timer of a slot, or moves it, earlier or later. A deadline that has passed is due at once. */
  set(slot: number, deadline: number): void {
    if (!Number.isSafeInteger(deadline) || deadline < 0) throw new RangeError(`not a deadline: ${deadline}`);
    const row = rowOf(slot);
    this.#table.reach(row);
    if (this.#isSet(row)) this.#take(row);
    else this.#size += 1;
    this.#table.deadline[row] = deadline;
    this.#place(row, deadline);
  }

  /** False when it was not set. */
  cancel(slot: number): boolean {
    const row = rowOf(slot);
    if (!this.#isSet(row)) return false;
    this.#take(row);
    this.#table.next[row] = UNSET;
    this.#size -= 1;
    return true;
  }

  has(slot: number): boolean {
    return this.#isSet(rowOf(slot));
  }

  /** null: not set */
  deadline(slot: number): number | null {
    const row = rowOf(slot);
    return this.#isSet(row) ? (this.#table.deadline[row] ?? null) : null;
  }

  /**
   * When to call `expire` next; null when nothing is set. Never later than the earliest deadline, and equal to it
   * unless timers that came before it were cancelled or moved: then it may be one that is no longer set, and the
   * `expire` at that instant visits nothing and brings a better answer. It is in the past while `expire` has more to do.
   */
  next(): number | null {
    let next = this.#floorOf(this.#firstList());
    if (this.#isMoving()) next = Math.min(next, this.#floorOf(this.#moving));
    const due = this.#due.first();
    if (due !== UNSET) next = Math.min(next, this.#table.deadline[due] ?? Infinity);
    return next === Infinity ? null : next;
  }

  /**
   * Visits the slots whose deadline is at or before `now`, in order of deadline and then slot, at most `limit` of them.
   * Each is taken out before it is visited; the visit may set and cancel any slot, its own too. What it throws is
   * thrown on, and the rest stays set.
   *
   * The work of one call is bounded: after a long sleep, or when very many timers stand close together, it may return
   * before it visited `limit` or even one of them. `next() <= now` says that there is more to do.
   *
   * @param now may have a fraction, and may be earlier than in the last call: nothing is ever visited early
   * @returns how many were visited
   */
  expire(now: number, limit: number, visit: (slot: number, deadline: number) => void): number {
    const until = Math.floor(now);
    if (!Number.isSafeInteger(until)) throw new RangeError(`not an instant: ${now}`);
    let visited = 0;
    let moves = MOVES;
    while (visited < limit) {
      moves = this.#moveDown(until, moves);
      const row = this.#due.first();
      if (row === UNSET || this.#isMoving()) break;
      const deadline = this.#table.deadline[row] ?? Infinity;
      if (deadline > until) break;
      this.cancel(row - FIRST);
      visited += 1;
      visit(row - FIRST, deadline);
    }
    return visited;
  }

  /** Moves the wheel's time on until timers are due or `until` is reached. Returns how many of the moves are left. */
  #moveDown(until: number, moves: number): number {
    let left = moves;
    while (true) {
      for (; this.#isMoving(); left -= 1) {
        if (left === 0) return 0;
        const row = this.#table.next[this.#moving] ?? UNSET;
        this.#unlink(row);
        this.#place(row, this.#table.deadline[row] ?? 0);
      }
      if (this.#due.first() !== UNSET) return left;
      const list = this.#firstList();
      const begin = this.#beginOf(list);
      if (begin > until) {
        // Later timers are measured from here. No list in use begins before it, so none changes its level.
        this.#time = Math.max(this.#time, until);
        return left;
      }
      this.#time = begin;
      this.#moving = list;
    }
  }

  #place(row: number, deadline: number): void {
    if (deadline <= this.#time) {
      this.#due.add(row);
      return;
    }
    const high = (deadline / TWO_32) | 0;
    const highChange = high ^ ((this.#time / TWO_32) | 0);
    // Bit operations see a number modulo 2^32: the low half.
    const byte =
      highChange === 0 ? (31 - Math.clz32(deadline ^ this.#time)) >>> 3 : (31 - Math.clz32(highChange)) >>> 3;
    const index = ((highChange === 0 ? deadline : high) >>> (8 * byte)) & (LISTS - 1);
    const level = highChange === 0 ? byte : byte + 4;
    this.#link(1 + level * LISTS + index, row, deadline);
  }

  #link(head: number, row: number, deadline: number): void {
    const { next, previous } = this.#table;
    const first = next[head] ?? head;
    if (first === head) {
      this.#floor[head] = deadline;
      this.#mark(head, true);
    } else if (deadline < (this.#floor[head] ?? 0)) {
      this.#floor[head] = deadline;
    }
    next[row] = first;
    previous[row] = head;
    next[head] = row;
    previous[first] = row;
  }

  #unlink(row: number): void {
    const { next, previous } = this.#table;
    const after = next[row] ?? UNSET;
    const before = previous[row] ?? UNSET;
    next[before] = after;
    previous[after] = before;
    // Both neighbours are one: the head, and the list is empty now.
    if (after === before) this.#mark(after, false);
  }

  #mark(head: number, inUse: boolean): void {
    const word = (head - 1) >>> 5;
    const bit = 1 << ((head - 1) & 31);
    const bits = this.#inUse[word] ?? 0;
    this.#inUse[word] = inUse ? bits | bit : bits & ~bit;
  }

  #take(row: number): void {
    if (this.#table.next[row] === IN_HEAP) this.#due.remove(row);
    else this.#unlink(row);
  }

  #isSet(row: number): boolean {
    return (this.#table.next[row] ?? UNSET) !== UNSET;
  }

  #isMoving(): boolean {
    return this.#table.next[this.#moving] !== this.#moving;
  }

  /** The head of the list in use that comes first in time; `UNSET` when all are empty. */
  #firstList(): number {
    for (let word = 0; word < this.#inUse.length; word += 1) {
      const bits = this.#inUse[word] ?? 0;
      if (bits !== 0) return 1 + word * WORD + (31 - Math.clz32(bits & -bits));
    }
    return UNSET;
  }

  #floorOf(list: number): number {
    return list === UNSET ? Infinity : (this.#floor[list] ?? Infinity);
  }

  /** The first instant of a list in use; `Infinity` for none. */
  #beginOf(list: number): number {
    if (list === UNSET) return Infinity;
    const floor = this.#floorOf(list);
    return floor - (floor % LISTS ** ((list - 1) >>> 8));
  }
}

function rowOf(slot: number): number {
  if (!Number.isInteger(slot) || slot < 0 || slot >= IN_HEAP - FIRST)
    throw new RangeError(`not a slot: ${slot}`);
  return FIRST + slot;
}

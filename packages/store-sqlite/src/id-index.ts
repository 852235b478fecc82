/** 64 tables, so that none is large when it grows: at a million ids one holds 16,000, re-placed in under a millisecond. */
const SEGMENTS = 64;
const FIRST_LENGTH = 16;

interface Segment {
  /** slot + 1, or 0 for an empty cell; a power of two of them, at most half in use */
  cells: Int32Array;
  used: number;
}

/**
 * Finds the slot of an id: open addressing in typed arrays, 8 to 16 bytes an id. A `Map` takes some 40, holds its keys
 * as objects from 2^31 on, and ends at 16.7 million.
 */
export class IdIndex {
  readonly #idOf: (slot: number) => number;
  readonly #segments: Segment[] = Array.from({ length: SEGMENTS }, () => ({
    cells: new Int32Array(FIRST_LENGTH),
    used: 0,
  }));

  /** @param idOf the id that stands in a slot in use */
  constructor(idOf: (slot: number) => number) {
    this.#idOf = idOf;
  }

  /** −1: there is none. */
  find(id: number): number {
    const hash = hashOf(id);
    const { cells } = this.#segmentOf(hash);
    const mask = cells.length - 1;
    for (let cell = (hash >>> 6) & mask; ; cell = (cell + 1) & mask) {
      const slot = (cells[cell] ?? 0) - 1;
      if (slot < 0 || this.#idOf(slot) === id) return slot;
    }
  }

  /** `id` must not be in yet, and `idOf(slot)` must be `id` already. */
  add(id: number, slot: number): void {
    const hash = hashOf(id);
    const segment = this.#segmentOf(hash);
    segment.used += 1;
    if (2 * segment.used > segment.cells.length) this.#grow(segment);
    place(segment.cells, hash, slot);
  }

  /** `id` must be in, and `idOf` its slot must still be `id`. */
  remove(id: number): void {
    const hash = hashOf(id);
    const segment = this.#segmentOf(hash);
    const { cells } = segment;
    const mask = cells.length - 1;
    let gap = (hash >>> 6) & mask;
    while (this.#idOf((cells[gap] ?? 0) - 1) !== id) gap = (gap + 1) & mask;
    segment.used -= 1;
    // What stands behind the gap moves up, unless that would put it before the cell where its search begins.
    for (let cell = (gap + 1) & mask; cells[cell] !== 0; cell = (cell + 1) & mask) {
      const begin = (hashOf(this.#idOf((cells[cell] ?? 0) - 1)) >>> 6) & mask;
      if (((cell - begin) & mask) < ((cell - gap) & mask)) continue;
      cells[gap] = cells[cell] ?? 0;
      gap = cell;
    }
    cells[gap] = 0;
  }

  #grow(segment: Segment): void {
    const before = segment.cells;
    segment.cells = new Int32Array(2 * before.length);
    for (const cell of before) {
      if (cell !== 0) place(segment.cells, hashOf(this.#idOf(cell - 1)), cell - 1);
    }
  }

  #segmentOf(hash: number): Segment {
    const segment = this.#segments[hash & (SEGMENTS - 1)];
    if (segment === undefined) throw new RangeError('no such segment');
    return segment;
  }
}

function place(cells: Int32Array, hash: number, slot: number): void {
  const mask = cells.length - 1;
  let cell = (hash >>> 6) & mask;
  while (cells[cell] !== 0) cell = (cell + 1) & mask;
  cells[cell] = slot + 1;
}

/** Ids count up, so they only have to be spread: the low bits choose the segment, the ones above the cell. */
function hashOf(id: number): number {
  const mixed = Math.imul((id | 0) ^ Math.imul((id / 0x1_0000_0000) | 0, 0x85ebca6b), 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

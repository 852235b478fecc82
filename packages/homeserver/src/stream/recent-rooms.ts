import type { RoomId } from '@matrix-futures/engine';

interface Change {
  readonly room: RoomId;
  readonly position: number;
}

/** A set, or the keys of a map. */
export interface Rooms {
  readonly size: number;
  has(room: RoomId): boolean;
  keys(): IterableIterator<RoomId>;
}

/** How many rooms are remembered once the log is tidied; of those that changed before, it is only known that they may
 * have. */
const keptRooms = 50_000;

/**
 * Which rooms changed after a position: a log of changes in order, so that a poll whose token is a moment old looks at
 * the few rooms that changed since, however many it is joined to. It knows nothing of what happened before it was made:
 * for a token from then every room may have changed.
 */
export class RecentRooms {
  /** in order of position; of each room the last change, and some that it made obsolete */
  #changes: Change[] = [];
  readonly #last = new Map<RoomId, Change>();
  #floor: number;
  #newest: number;

  /** @param position the last position given out: from here on, every change is told by `touch` */
  constructor(position: number) {
    this.#floor = position;
    this.#newest = position;
  }

  /** Positions only go up. */
  touch(room: RoomId, position: number): void {
    const change = { room, position };
    this.#changes.push(change);
    this.#last.set(room, change);
    this.#newest = position;
    if (this.#changes.length > 2 * this.#last.size + 1_000) this.#tidy();
  }

  /** Those of the rooms that changed, or may have changed, after the position. Costs the smaller number of two: the
   * rooms asked about, and the changes since. */
  changedSince(position: number, rooms: Rooms): RoomId[] {
    if (position < this.#floor) return [...rooms.keys()];
    const start = this.#firstAfter(position);
    if (rooms.size < this.#changes.length - start) {
      return [...rooms.keys()].filter((room) => (this.#last.get(room)?.position ?? 0) > position);
    }
    return this.#changes
      .slice(start)
      .filter((change) => this.#last.get(change.room) === change && rooms.has(change.room))
      .map((change) => change.room);
  }

  /**
   * Starts anew, as made with that position: when changes were missed, or when positions of a lost turn are given out
   * again.
   */
  forget(position: number): void {
    this.#changes = [];
    this.#last.clear();
    this.#floor = Math.max(this.#newest, position);
  }

  #tidy(): void {
    const kept = this.#changes.filter((change) => this.#last.get(change.room) === change);
    for (const { room, position } of kept.splice(0, kept.length - keptRooms)) {
      this.#last.delete(room);
      this.#floor = position;
    }
    this.#changes = kept;
  }

  /** The index of the first change after the position, by halving. */
  #firstAfter(position: number): number {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#changes[middle]?.position ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

import type { UserId } from '../event.ts';

interface Waiting {
  readonly owner: UserId;
  /** Takes its place, and lets it in. */
  readonly call: () => void;
}

/**
 * At most `width` at a time, and `share` of one owner's; the others wait in line, first come first served, those that
 * somebody waits for in front of those that nobody does. Whoever makes the homeserver hang keeps a part of it, not all.
 */
export class Line {
  readonly #width: number;
  readonly #share: number;
  #inside = 0;
  readonly #insideOf = new Map<UserId, number>();
  readonly #awaited = new Set<Waiting>();
  readonly #others = new Set<Waiting>();

  constructor(width: number, share: number) {
    this.#width = width;
    this.#share = share;
  }

  /**
   * A place, to be given back by disposing of it.
   * @param awaited somebody waits for it
   * @param end whoever still waits when this aborts leaves the line: null
   */
  async enter(owner: UserId, awaited: boolean, end: AbortSignal): Promise<Disposable | null> {
    if (end.aborted) return null;
    if (this.#hasRoomFor(owner)) return this.#take(owner);
    const line = awaited ? this.#awaited : this.#others;
    return new Promise((resolve) => {
      const leave = () => {
        line.delete(waiting);
        resolve(null);
      };
      const call = () => {
        line.delete(waiting);
        end.removeEventListener('abort', leave);
        resolve(this.#take(owner));
      };
      const waiting: Waiting = { owner, call };
      line.add(waiting);
      end.addEventListener('abort', leave, { once: true });
    });
  }

  #hasRoomFor(owner: UserId): boolean {
    return this.#inside < this.#width && (this.#insideOf.get(owner) ?? 0) < this.#share;
  }

  #take(owner: UserId): Disposable {
    this.#inside += 1;
    this.#insideOf.set(owner, (this.#insideOf.get(owner) ?? 0) + 1);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#giveBack(owner);
        held = false;
      },
    };
  }

  #giveBack(owner: UserId): void {
    this.#inside -= 1;
    const left = (this.#insideOf.get(owner) ?? 1) - 1;
    if (left === 0) this.#insideOf.delete(owner);
    else this.#insideOf.set(owner, left);
    for (const line of [this.#awaited, this.#others])
      for (const waiting of line) if (this.#hasRoomFor(waiting.owner)) return waiting.call();
  }
}

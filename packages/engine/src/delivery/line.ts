/**
 * At most `width` at a time; the others wait in line, first come first served, those that somebody waits for in front
 * of those that nobody does.
 */
export class Line {
  readonly #width: number;
  #inside = 0;
  readonly #awaited = new Set<() => void>();
  readonly #others = new Set<() => void>();

  constructor(width: number) {
    this.#width = width;
  }

  /**
   * A place, to be given back by disposing of it.
   * @param awaited somebody waits for it
   * @param end whoever still waits when this aborts leaves the line: null
   */
  async enter(awaited: boolean, end: AbortSignal): Promise<Disposable | null> {
    if (end.aborted) return null;
    if (this.#inside < this.#width) {
      this.#inside += 1;
      return this.#place();
    }
    const line = awaited ? this.#awaited : this.#others;
    return new Promise((resolve) => {
      const leave = () => {
        line.delete(called);
        resolve(null);
      };
      const called = () => {
        end.removeEventListener('abort', leave);
        resolve(this.#place());
      };
      line.add(called);
      end.addEventListener('abort', leave, { once: true });
    });
  }

  #place(): Disposable {
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#handOver();
        held = false;
      },
    };
  }

  /** A place that is given back goes to the next in line, without ever being free. */
  #handOver(): void {
    for (const line of [this.#awaited, this.#others])
      for (const call of line) {
        line.delete(call);
        call();
        return;
      }
    this.#inside -= 1;
  }
}

import type { Timers } from '@matrix-futures/http';

interface Armed {
  readonly delay: number;
  readonly run: () => void;
}

/** Time that passes when a test says so. */
export class HandTimers implements Timers {
  readonly #armed = new Set<Armed>();
  #wake = () => {};

  after(delay: number, run: () => void): () => void {
    const timer = { delay, run };
    this.#armed.add(timer);
    this.#wake();
    return () => void this.#armed.delete(timer);
  }

  /** How many timers of that length are waiting. */
  count(delay: number): number {
    return [...this.#armed].filter((timer) => timer.delay === delay).length;
  }

  /** Waits until a timer of that length was set. */
  async armed(delay: number): Promise<void> {
    while (this.count(delay) === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Lets all timers of that length run out. */
  fire(delay: number): void {
    for (const timer of [...this.#armed]) {
      if (timer.delay !== delay) continue;
      this.#armed.delete(timer);
      timer.run();
    }
  }
}

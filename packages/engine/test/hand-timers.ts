import type { Cancel, Ms, Timers } from '../src/index.ts';

/** Timers and a clock that move by hand: what is armed runs when the test says so, early if it likes. */
export class HandTimers implements Timers {
  time = 1_000;
  #armed: { readonly at: number; readonly run: () => void }[] = [];
  #soon: (() => void)[] = [];

  now(): number {
    return this.time;
  }

  wall(): number {
    return Math.floor(this.time);
  }

  after(delay: Ms, run: () => void): Cancel {
    const armed = { at: this.time + delay, run };
    this.#armed.push(armed);
    return () => {
      this.#armed = this.#armed.filter((other) => other !== armed);
    };
  }

  soon(run: () => void): Cancel {
    this.#soon.push(run);
    return () => {
      this.#soon = this.#soon.filter((other) => other !== run);
    };
  }

  /** In how many milliseconds each timer is due. */
  get delays(): number[] {
    return this.#armed.map(({ at }) => at - this.time);
  }

  get soons(): number {
    return this.#soon.length;
  }

  /** Runs the timers that are armed, whatever their time. */
  fire(): void {
    const armed = this.#armed;
    this.#armed = [];
    for (const { run } of armed) run();
  }

  /** The end of a turn of the event loop, and all that follows at once. */
  async turn(): Promise<void> {
    const soon = this.#soon;
    this.#soon = [];
    for (const run of soon) run();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

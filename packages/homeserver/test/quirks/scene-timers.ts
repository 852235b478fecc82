import type { Cancel, Ms, Timers } from '@matrix-futures/engine';
import { quickTimers, shortened } from '../application-services/service.ts';

interface Timer {
  readonly delay: Ms;
  readonly run: () => void;
}

/** The quick timers, but those that a test holds run when it lets them go. */
export class SceneTimers implements Timers {
  readonly #running = new Map<Timer, NodeJS.Timeout>();
  readonly #held = new Set<Timer>();
  readonly #ranOut: Ms[] = [];
  #holds: Ms | null = null;
  #wake = (): void => {};

  after(delay: Ms, run: () => void): Cancel {
    const timer = { delay, run };
    if (delay === this.#holds) this.#held.add(timer);
    else this.#start(timer);
    this.#wake();
    return () => {
      this.#held.delete(timer);
      clearTimeout(this.#running.get(timer));
      this.#running.delete(timer);
    };
  }

  soon(run: () => void): Cancel {
    return quickTimers.soon(run);
  }

  /** How often a timer of that length ran out. */
  ranOut(delay: Ms): number {
    return this.#ranOut.filter((one) => one === delay).length;
  }

  /** How many of that length run. */
  running(delay: Ms): number {
    return [...this.#running.keys()].filter((one) => one.delay === delay).length;
  }

  /** Those of that length do not run from now on. */
  hold(delay: Ms): void {
    this.#holds = delay;
  }

  /** Resolves when there is one that is held. */
  async held(): Promise<void> {
    while (this.#held.size === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** What was held runs, and later ones do as others do. */
  letGo(): void {
    this.#holds = null;
    for (const timer of this.#held) this.#start(timer);
    this.#held.clear();
  }

  #start(timer: Timer): void {
    const { delay, run } = timer;
    const handle = setTimeout(() => {
      this.#running.delete(timer);
      this.#ranOut.push(delay);
      run();
    }, shortened(delay));
    this.#running.set(timer, handle);
  }
}

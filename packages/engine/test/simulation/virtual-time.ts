import type { Cancel, Clock, Ms, Timers } from '../../src/index.ts';

interface Armed {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Real time, as long as it is wanted. Everything that waits does so here, so that one seed gives one history.
 * Like `setTimeout` it is now and then a little early: every third timer by up to 0.6 ms.
 */
export class VirtualTime {
  #now = 0;
  #armed: Armed[] = [];
  #soon: Armed[] = [];
  #order = 0;

  /** Real time in milliseconds since the start. */
  now(): number {
    return this.#now;
  }

  after(delay: Ms, run: () => void): Cancel {
    const early = this.#order % 3 === 0 ? Math.min(0.6, Math.max(delay, 0) / 2) : 0;
    return this.#arm(this.#armed, this.#now + Math.max(delay, 0) - early, run);
  }

  soon(run: () => void): Cancel {
    return this.#arm(this.#soon, this.#now, run);
  }

  #arm(list: Armed[], at: number, run: () => void): Cancel {
    const armed = { at, order: this.#order, run };
    this.#order += 1;
    list.push(armed);
    return () => {
      const place = list.indexOf(armed);
      if (place !== -1) list.splice(place, 1);
    };
  }

  /** Lets every promise that can settle now do so. */
  async drain(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** Ends turns of the event loop until nothing waits for the end of one. */
  async turn(): Promise<void> {
    await this.drain();
    for (let next = this.#soon.shift(); next !== undefined; next = this.#soon.shift()) {
      next.run();
      await this.drain();
    }
  }

  /** Lets that much time pass, and everything happen that happens in it. */
  async advance(by: Ms): Promise<void> {
    const end = this.#now + by;
    await this.turn();
    for (;;) {
      const next = this.#armed.reduce<Armed | null>(
        (first, one) =>
          first === null || one.at < first.at || (one.at === first.at && one.order < first.order)
            ? one
            : first,
        null,
      );
      if (next === null || next.at > end) break;
      this.#armed.splice(this.#armed.indexOf(next), 1);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await this.turn();
    }
    this.#now = end;
  }
}

/** Time as one process sees it. When it is killed, nothing it has armed ever runs. */
export class ProcessTime implements Clock, Timers {
  readonly #time: VirtualTime;
  readonly #offset: () => number;
  readonly #wallOffset: () => number;
  #killed = false;

  /**
   * @param offset server time minus real time
   * @param wallOffset the wall clock minus real time; may step at any moment
   */
  constructor(time: VirtualTime, offset: () => number, wallOffset: () => number) {
    this.#time = time;
    this.#offset = offset;
    this.#wallOffset = wallOffset;
  }

  kill(): void {
    this.#killed = true;
  }

  get killed(): boolean {
    return this.#killed;
  }

  now(): number {
    return this.#time.now() + this.#offset();
  }

  wall(): number {
    return Math.floor(this.#time.now() + this.#wallOffset());
  }

  after(delay: Ms, run: () => void): Cancel {
    return this.#time.after(delay, () => {
      if (!this.#killed) run();
    });
  }

  soon(run: () => void): Cancel {
    return this.#time.soon(() => {
      if (!this.#killed) run();
    });
  }
}

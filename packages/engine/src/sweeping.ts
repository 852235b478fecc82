import type { Cancel, Ms, Timers } from './clock.ts';
import type { Delivery } from './delivery/delivery.ts';
import type { Group } from './group.ts';
import { bury } from './rules/bury.ts';
import type { FutureStore } from './store.ts';

const rowsAtOnce = 200;
const shortly: Ms = 1_000;
const every: Ms = 60_000;
/** Between two steps, so that a big clean-up takes at most a part of the time there is. */
const breath: Ms = 20;

/**
 * Cleans in the background, in bounded steps: writes down what new state has invalidated, and removes what is past
 * its retention. Nothing depends on its speed, since rules look at the predicate and never at the row.
 */
export class Sweeping {
  readonly #store: FutureStore;
  readonly #timers: Timers;
  readonly #delivery: Pick<Delivery, 'certainOf' | 'committed'>;
  readonly #onError: (error: unknown) => void;
  #cancel: Cancel | null = null;
  #soon = false;
  #stopped = true;

  constructor(parts: {
    readonly store: FutureStore;
    readonly timers: Timers;
    readonly delivery: Pick<Delivery, 'certainOf' | 'committed'>;
    readonly onError: (error: unknown) => void;
  }) {
    this.#store = parts.store;
    this.#timers = parts.timers;
    this.#delivery = parts.delivery;
    this.#onError = parts.onError;
  }

  start(): void {
    this.#stopped = false;
    this.#after(shortly);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Something died: the next step comes within a second. */
  nudge(): void {
    if (this.#soon || this.#stopped) return;
    this.#soon = true;
    this.#after(shortly);
  }

  /** What died a moment ago is written down now: one step. */
  async catchUp(): Promise<void> {
    if (this.#soon) await this.runOnce();
  }

  /** One step. Answers how many rows it dealt with. */
  async runOnce(): Promise<number> {
    const buried: Group[] = [];
    const rows = await this.#store.sweep(rowsAtOnce, (group, world) => {
      if (group === null) return { next: group, answer: undefined };
      const next = bury(group, world, group.phase === 'open' || this.#delivery.certainOf(group));
      buried.push(next);
      return { next, answer: undefined };
    });
    for (const group of buried) this.#delivery.committed(group);
    return rows;
  }

  #after(delay: Ms): void {
    this.#cancel?.();
    this.#cancel = this.#timers.after(delay, () => void this.#step());
  }

  async #step(): Promise<void> {
    this.#soon = false;
    let rows = 0;
    try {
      rows = await this.runOnce();
    } catch (error) {
      this.#onError(error);
    }
    if (!this.#stopped) this.#after(rows > 0 ? breath : every);
  }
}

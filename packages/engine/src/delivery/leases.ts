import type { Cancel, Clock, Timers } from '../clock.ts';
import type { GroupId } from '../group.ts';
import { StoreUnavailable, type FutureStore } from '../store.ts';
import type { Attempts } from './attempts.ts';
import type { RemoteOptions } from './remote-options.ts';

/** One unit of the store renews at most so many. */
const atOnce = 200;

/**
 * A node that is alive keeps its claims, whatever they wait for: what is under way is renewed three times a lease, so
 * that two of them may fail.
 */
export class Leases {
  readonly #store: FutureStore;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #options: RemoteOptions;
  readonly #running: ReadonlyMap<GroupId, Attempts>;
  readonly #onError: (error: unknown) => void;
  #next: Cancel | null = null;

  /** @param running what is under way, as it is at any moment */
  constructor(
    parts: {
      readonly store: FutureStore;
      readonly clock: Clock;
      readonly timers: Timers;
      readonly options: RemoteOptions;
    },
    running: ReadonlyMap<GroupId, Attempts>,
    onError: (error: unknown) => void,
  ) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#timers = parts.timers;
    this.#options = parts.options;
    this.#running = running;
    this.#onError = onError;
  }

  /** Something is under way. */
  keep(): void {
    this.#next ??= this.#timers.after(this.#options.lease / 3, () => void this.#round());
  }

  stop(): void {
    this.#next?.();
    this.#next = null;
  }

  async #round(): Promise<void> {
    const all = [...this.#running.values()];
    try {
      for (let from = 0; from < all.length; from += atOnce) await this.#renew(all.slice(from, from + atOnce));
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) this.#onError(error);
    }
    if (this.#next === null) return;
    this.#next = null;
    if (this.#running.size > 0) this.keep();
  }

  async #renew(some: readonly Attempts[]): Promise<void> {
    const leaseEnd = this.#clock.now() + this.#options.lease;
    const claims = some.map(({ group, epoch }) => ({ group, epoch }));
    const renewed = await this.#store.renew(claims, this.#options.lease);
    some.forEach((attempts, place) => {
      if (renewed[place] === true) attempts.leaseEnd = leaseEnd;
      else attempts.release();
    });
  }
}

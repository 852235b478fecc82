import type { Clock, Ms, StateKey } from '@matrix-futures/engine';

/** Locks on state keys, within this process: a SQLite database has no other. */
export class StateLocks {
  readonly #clock: Clock;
  readonly #held = new Map<string, { readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** null: somebody holds it, and the lease has not run out. */
  lock({ room, type, key }: StateKey, lease: Ms): AsyncDisposable | null {
    const name = JSON.stringify([room, type, key]);
    const now = this.#clock.now();
    if ((this.#held.get(name)?.until ?? now) > now) return null;
    const hold = { until: now + lease };
    this.#held.set(name, hold);
    return {
      [Symbol.asyncDispose]: async () => {
        if (this.#held.get(name) === hold) this.#held.delete(name);
      },
    };
  }
}

import type { FutureId, GroupId, Instant } from '@matrix-futures/engine';
import type { Leases } from './leases.ts';
import type { Timers } from './timers.ts';

/** Something whose time has come: a future's deadline, or the end of a group's lease. */
export type Due =
  | { readonly at: Instant; readonly future: FutureId; readonly group: null }
  | { readonly at: Instant; readonly future: null; readonly group: GroupId };

/** Timers and leases in one order. */
export class Agenda {
  readonly #timers: Timers;
  readonly #leases: Leases;

  constructor(timers: Timers, leases: Leases) {
    this.#timers = timers;
    this.#leases = leases;
  }

  /** A hint: never later than what is due first. */
  next(): Instant | null {
    const timer = this.#timers.next();
    const lease = this.#leases.next();
    return timer === null || lease === null ? (timer ?? lease) : Math.min(timer, lease);
  }

  /**
   * Takes out what is due, by time and then id, at most `limit`; none: nothing is, or the wheel has to be asked again.
   * Hand it to `putBack` when it was dealt with: what is still set then will be offered again.
   */
  take(now: Instant, limit: number): readonly Due[] {
    const due: Due[] = [
      ...this.#timers.take(now, limit).map(({ at, id }): Due => ({ at, future: id, group: null })),
      ...this.#leases.take(now, limit).map(({ at, group }): Due => ({ at, future: null, group })),
    ];
    due.sort((one, other) => one.at - other.at);
    this.putBack(due.splice(limit));
    return due;
  }

  putBack(due: readonly Due[]): void {
    for (const { future, group } of due) {
      if (future === null) this.#leases.arm(group);
      else this.#timers.arm(future);
    }
  }
}

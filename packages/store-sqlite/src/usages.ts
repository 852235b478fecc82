import type { Instant, Usage } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import type { Owners } from './owners.ts';
import type { StateKeys } from './state-keys.ts';
import type { Timers } from './timers.ts';

/** What owners have scheduled. */
export class Usages {
  readonly #owners: Owners;
  readonly #stateKeys: StateKeys;
  readonly #timers: Timers;
  readonly #pending;

  constructor(database: Database, owners: Owners, stateKeys: StateKeys, timers: Timers) {
    this.#owners = owners;
    this.#stateKeys = stateKeys;
    this.#timers = timers;
    // One text for a thousand rows: to read them one by one takes five times as long, and whoever is refused for having
    // too many is told by this when to come back.
    this.#pending = database.prepare<[number], { ids: string | null }>(
      'SELECT group_concat(id) AS ids FROM futures WHERE owner = ? AND listed = 0',
    );
  }

  /** The counts as they are now; `onKey` and `nextDeadline`, rarely asked for, are looked up when they are. */
  of(owner: number): Usage {
    const nextDeadline = () => this.#nextDeadline(owner);
    return {
      pending: this.#owners.pending(owner),
      contentBytes: this.#owners.contentBytes(owner),
      onKey: (key) => this.#stateKeys.ofOwner(key, owner),
      get nextDeadline() {
        return nextDeadline();
      },
    };
  }

  #nextDeadline(owner: number): Instant | null {
    let next: Instant | null = null;
    const ids = this.#pending.get(owner)?.ids?.split(',') ?? [];
    for (const id of ids) {
      const deadline = this.#timers.deadlineOf(Number(id));
      if (deadline !== null && (next === null || deadline < next)) next = deadline;
    }
    return next;
  }
}

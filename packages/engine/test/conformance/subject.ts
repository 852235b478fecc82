import { afterEach } from 'vitest';
import type { Clock, FutureStore, Instant, Ms, Retention } from '@matrix-futures/engine';

/** Server time that moves only when told to. */
export class ManualClock implements Clock {
  #now: Instant;

  /** @param start not a whole number by default: an instant may have a fraction */
  constructor(start: Instant = 1_765_000_000_000.25) {
    this.#now = start;
  }

  now(): Instant {
    return this.#now;
  }

  wall(): number {
    return Math.floor(this.#now);
  }

  advance(by: Ms): void {
    this.#now += by;
  }

  /** Moves on to `instant`, or stays when that has passed. */
  advanceTo(instant: Instant): void {
    this.#now = Math.max(this.#now, instant);
  }
}

export interface StoreUnderTest {
  readonly store: FutureStore;
  /** the clock that `store` was made with */
  readonly clock: ManualClock;
  /**
   * Ends the store as a killed process would and opens what it had committed; the old one is not used again.
   * null: nothing outlives this store.
   */
  readonly reopen: (() => Promise<FutureStore>) | null;
  /** The next operation that writes cannot be committed. Left out: the tests of that are skipped. */
  readonly failNextCommit?: () => void;
}

/** Makes an empty store. */
export type MakeStore = (retention: Retention) => StoreUnderTest | Promise<StoreUnderTest>;

export const hour: Ms = 3_600_000;
export const day: Ms = 24 * hour;
export const usualRetention: Retention = { listed: 7 * day, listedPerOwner: 1_000, tombstones: 7 * day };

export type Open = (retention?: Partial<Retention>) => Promise<StoreUnderTest>;

/** For one `describe`: opens stores, and closes them after each test. */
export function opener(makeStore: MakeStore): Open {
  const opened: FutureStore[] = [];
  afterEach(async () => {
    for (const store of opened.splice(0)) await store[Symbol.asyncDispose]();
  });
  return async (retention = {}) => {
    const subject = await makeStore({ ...usualRetention, ...retention });
    opened.push(subject.store);
    const { reopen } = subject;
    if (reopen === null) return subject;
    const track = async () => {
      const store = await reopen();
      opened.splice(0, opened.length, store);
      return store;
    };
    return { ...subject, reopen: track };
  };
}

/** For tests of what outlives a process. */
export function reopenerOf(
  subject: StoreUnderTest,
  skip: (note: string) => never,
): () => Promise<FutureStore> {
  return subject.reopen ?? skip('nothing outlives this store');
}

/** For tests of commits that fail. */
export function failerOf(subject: StoreUnderTest, skip: (note: string) => never): () => void {
  return subject.failNextCommit ?? skip('commits of this store cannot be made to fail');
}

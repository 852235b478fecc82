import { StoreUnavailable } from '@matrix-futures/engine';
import type { Tables } from './tables.ts';

/** Units of work: each happens whole or not at all. A unit begun within another one is a part of it. */
export class Units {
  readonly #tables: Tables;
  readonly #beforeCommit: () => void;
  readonly #afterCommit: () => void;
  /** settles with the unit that is at work */
  #outer: Promise<void> | null = null;

  constructor(tables: Tables, beforeCommit: () => void, afterCommit: () => void) {
    this.#tables = tables;
    this.#beforeCommit = beforeCommit;
    this.#afterCommit = afterCommit;
  }

  /** Does the work before it returns. */
  here<R>(work: () => R): Promise<R> {
    return this.#outer === null ? this.#outermost(work) : this.#within(this.#outer, work);
  }

  /**
   * Does the work later, as a store far away does, and does it twice: the first time its transaction has lost against
   * another and is undone, so that a decision that is not pure is found out.
   */
  async elsewhere<R>(work: () => R): Promise<R> {
    await Promise.resolve();
    try {
      work();
    } finally {
      this.#tables.undo();
    }
    return await this.#outermost(work);
  }

  #outermost<R>(work: () => R): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Whoever began this unit hears of its failure by the promise that is returned.
    promise.catch(() => {});
    this.#outer = promise;
    try {
      const result = work();
      if (this.#tables.changed) this.#commit();
      resolve();
      return Promise.resolve(result);
    } catch (error) {
      this.#tables.undo();
      reject(error);
      return Promise.reject(error);
    } finally {
      this.#outer = null;
    }
  }

  #within<R>(outer: Promise<void>, work: () => R): Promise<R> {
    const mark = this.#tables.mark();
    try {
      const result = work();
      const done = outer.then(() => result);
      // Undone by what happened around it: the outer unit's promise says so.
      done.catch(() => {});
      return done;
    } catch (error) {
      this.#tables.undo(mark);
      return Promise.reject(error);
    }
  }

  #commit(): void {
    try {
      this.#beforeCommit();
    } catch (cause) {
      throw new StoreUnavailable('The commit failed', { cause });
    }
    this.#tables.keep();
    this.#afterCommit();
  }
}

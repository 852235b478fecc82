import type { Timers } from '../clock.ts';
import type { EventId } from '../event.ts';
import type { Claim, Group } from '../group.ts';
import { openStaged } from '../rules/batch.ts';
import { accepted } from '../rules/delivered.ts';
import { StoreUnavailable, type Decision, type FutureStore, type World } from '../store.ts';
import { memoryOf, type Dispatch } from './dispatch.ts';
import type { RemoteOptions } from './remote-options.ts';
import { sleep } from './sleep.ts';

/** Writes down what a claim has come to: repeated until the store has taken it, or the node is stopped. */
export class Outcomes {
  readonly #store: FutureStore;
  readonly #timers: Timers;
  readonly #options: RemoteOptions;
  readonly #dispatch: Dispatch;
  readonly #stopped: AbortSignal;

  constructor(
    parts: { readonly store: FutureStore; readonly timers: Timers; readonly options: RemoteOptions },
    dispatch: Dispatch,
    stopped: AbortSignal,
  ) {
    this.#store = parts.store;
    this.#timers = parts.timers;
    this.#options = parts.options;
    this.#dispatch = dispatch;
    this.#stopped = stopped;
  }

  /** The event is in the room: a fact, written whatever the epoch. false: it could not be written before the stop. */
  async settle(event: EventId): Promise<boolean> {
    const { winner } = this.#dispatch;
    const isWritten = await this.#written((group, world): Decision<true> => {
      if (group === null) return { next: null, answer: true };
      if (winner !== null) return { next: accepted(group, winner.id, event, world), answer: true };
      if (group.phase !== 'staged') return { next: group, answer: true };
      const remember = memoryOf(group, event, world.now);
      return { next: openStaged(group, event, world), remember, answer: true };
    });
    return isWritten !== null;
  }

  /** Under the claim: dropped when the epoch has moved on. Answers whether the claim is still ours after it. */
  async write(rule: (group: Group, claim: Claim, world: World) => Group | null): Promise<boolean> {
    const { epoch } = this.#dispatch.group;
    const isOurs = await this.#written((group, world): Decision<boolean> => {
      if (group === null || group.claim === null || group.epoch !== epoch)
        return { next: group, answer: false };
      const next = rule(group, group.claim, world);
      return { next, answer: next !== null && next.claim !== null && next.epoch === epoch };
    });
    return isOurs === true;
  }

  /** null: stopped before. */
  async #written<R>(decide: (group: Group | null, world: World) => Decision<R>): Promise<R | null> {
    for (;;) {
      try {
        return await this.#store.change({ by: 'id', group: this.#dispatch.group.id }, decide);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        if (this.#stopped.aborted) return null;
        await sleep(this.#timers, this.#options.backOff.first, this.#stopped);
      }
    }
  }
}

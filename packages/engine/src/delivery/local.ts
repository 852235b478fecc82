import type { Clock, Ms } from '../clock.ts';
import type { Future } from '../future.ts';
import type { Group } from '../group.ts';
import { heldFuture, type Holder } from '../holder.ts';
import type { Accepted, LocalHomeserver, Refused } from '../homeserver.ts';
import type { Limits } from '../limits.ts';
import { newFuture, newGroup, overLimit } from '../rules/add.ts';
import { afterSendNow } from '../rules/batch.ts';
import { bury } from '../rules/bury.ts';
import { isDue, mayBeSent } from '../rules/claim.ts';
import { accepted, failedWhenDue } from '../rules/delivered.ts';
import type { Decision, DecideDue, FutureStore, World } from '../store.ts';
import type { Tokens } from '../tokens.ts';
import { memoryOf } from './dispatch.ts';
import { type BatchAnswer, type Delivery, type NewBatch, type UseAnswer, type Round } from './delivery.ts';

/**
 * The homeserver is in this process: guard, event and outcome are one synchronous unit in one transaction. There is
 * no claim, no attempt and no doubt.
 */
export class LocalDelivery implements Delivery {
  readonly #store: FutureStore;
  readonly #homeserver: LocalHomeserver;
  readonly #clock: Clock;
  readonly #tokens: Tokens;
  readonly #limits: Limits;
  readonly #onFired: (lateness: Ms) => void;

  constructor(parts: {
    readonly store: FutureStore;
    readonly homeserver: LocalHomeserver;
    readonly clock: Clock;
    readonly tokens: Tokens;
    readonly limits: Limits;
    readonly onFired: (lateness: Ms) => void;
  }) {
    if (parts.store.unit !== 'in-process')
      throw new TypeError('A homeserver inside needs a store that commits in the same process');
    this.#store = parts.store;
    this.#homeserver = parts.homeserver;
    this.#clock = parts.clock;
    this.#tokens = parts.tokens;
    this.#limits = parts.limits;
    this.#onFired = parts.onFired;
  }

  certainOf(_group: Group): boolean {
    return true;
  }

  readonly atOnce = true;

  ready(): boolean {
    return true;
  }

  round(): Round {
    return { decide: this.#due, passOver: () => false };
  }

  readonly #due: DecideDue<null> = (found, id, world) => {
    const group = bury(found, world, true);
    const future = group.futures.find((member) => member.id === id);
    if (future === undefined || !isDue(group, future.id, world)) return { next: group, answer: null };
    const result = this.#append(future, world, 'timer');
    if (result.kind === 'refused')
      return { next: failedWhenDue(group, future.id, result.error, world), answer: null };
    this.#onFired(this.#clock.now() - (future.deadline ?? world.now));
    return { next: accepted(group, future.id, result.event, world), answer: null };
  };

  begin(): void {}
  committed(): void {}

  send(holder: Holder): Promise<UseAnswer> {
    return this.#store.change<UseAnswer>({ by: 'future', future: holder.future }, (found, world) => {
      const future = heldFuture(found, holder);
      if (found === null || future === null) return { next: found, answer: { kind: 'gone' } };
      const { next: group, answer } = mayBeSent(found, future.id, true, world);
      if (answer.kind !== 'may') return { next: group, answer: { kind: 'gone' } };
      const result = this.#append(future, world, 'token');
      if (result.kind === 'refused') return { next: group, answer: result };
      return { next: accepted(group, future.id, result.event, world), answer: { kind: 'done' } };
    });
  }

  /** Never anything under way: it is over before anybody can ask. */
  async over(): Promise<void> {}

  openBatch(batch: NewBatch): Promise<BatchAnswer> {
    return this.#store.change<BatchAnswer>(
      { by: 'name', owner: batch.owner, name: batch.scope },
      (found, world): Decision<BatchAnswer> => {
        if (found !== null) return { next: found, answer: { kind: 'conflict', why: 'already-sent' } };
        const over = overLimit(batch.futures, 0, world, this.#limits);
        if (over !== null) return { next: found, answer: over };
        const first = batch.sendNow && this.#homeserver.append(batch.sendNow, this.#clock.wall());
        if (first?.kind === 'refused') return { next: found, answer: first };
        const sendNow = first?.event ?? null;
        const futures = batch.futures.map((asked) => {
          const future = newFuture(asked, world.newFutureId(), world);
          return batch.sendNow === null || sendNow === null
            ? future
            : afterSendNow(future, batch.sendNow, sendNow, world);
        });
        const group = newGroup(batch.owner, batch.scope, futures, world);
        const memory = memoryOf(group, sendNow, world.now);
        return { next: group, remember: memory, answer: { kind: 'opened', memory, futures } };
      },
    );
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  #append(future: Future, world: World, cause: 'timer' | 'token'): Accepted | Refused {
    const timestamp = this.#timestamp(future, world, cause);
    const { id, nonce, generation } = future;
    if (generation === 'futures') return this.#homeserver.append(future.draft, timestamp);
    const delayId = this.#tokens.make('delay', id, nonce);
    return this.#homeserver.append(future.draft, timestamp, { delayId, generation });
  }

  /**
   * The instant the event enters the room (text of 6 June 2024: "when entering the DAG"), but for a timer of the delay
   * parameter, whose event carries the time it was scheduled for.
   */
  #timestamp(future: Future, world: World, cause: 'timer' | 'token'): number {
    const wall = this.#clock.wall();
    if (cause === 'token' || future.generation !== 'delay-parameter' || future.deadline === null) return wall;
    return Math.round(wall - (world.now - future.deadline));
  }
}

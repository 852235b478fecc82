import {
  type EventId,
  HomeserverUnavailable,
  type Ms,
  type StateKey,
  type Timers,
  type UserId,
} from '@matrix-futures/engine';
import type { RoomReader } from '../delivery/room-reader.ts';

/** What the listener needs of the engine. */
export interface Listening {
  /** Somebody with a pending future on that key; null: nobody has one. */
  ownerOn(key: StateKey): Promise<UserId | null>;
  stateArrived(key: StateKey, event: EventId, sender: UserId): Promise<void>;
  /** null: a request for that key is on its way. */
  lockState(key: StateKey, lease: Ms): Promise<AsyncDisposable | null>;
}

/** A state event as the homeserver pushed it. */
export interface PushedState {
  readonly key: StateKey;
  readonly event: EventId;
  readonly sender: UserId;
}

const mostKnown = 10_000;
/**
 * A homeserver pushes nothing else before an event is taken. One that it cannot be asked about, in a room that is broken
 * there or for a user it refuses to show it to, is let go after so many pushes: some 30 s with Synapse.
 */
const mostPushes = 5;
const lookAgain: Ms = 20;
/** A request for a key is given up before. */
const longestHold: Ms = 70_000;

/**
 * What the homeserver pushes is a hint and never the truth: events come late, twice, out of order, before the request
 * that made them is answered, or not at all. So a pushed event counts only if it is the current one of its key; whatever
 * is missed so is found when the future is due, by the fence.
 */
export class Listener {
  readonly #futures: Listening;
  readonly #rooms: RoomReader;
  readonly #timers: Timers;
  /** events that count no more, whether or not they ever did */
  readonly #known = new Set<EventId>();
  /** how often the homeserver could not be asked about an event */
  readonly #failures = new Map<EventId, number>();

  constructor(futures: Listening, rooms: RoomReader, timers: Timers) {
    this.#futures = futures;
    this.#rooms = rooms;
    this.#timers = timers;
  }

  /**
   * Resolves when all of them are dealt with and what they invalidate is durable. Keys do not wait for one another.
   * @throws HomeserverUnavailable, StoreUnavailable: push them again
   */
  async heard(events: readonly PushedState[]): Promise<void> {
    const byKey = Map.groupBy(events, ({ key: { room, type, key } }) => JSON.stringify([room, type, key]));
    const done = await Promise.allSettled(Array.from(byKey.values(), (ofOne) => this.#heardInTurn(ofOne)));
    const failed = done.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #heardInTurn(events: readonly PushedState[]): Promise<void> {
    for (const event of events) await this.#heard(event);
  }

  async #heard({ key, event, sender }: PushedState): Promise<void> {
    if (this.#known.has(event)) return;
    const owner = await this.#futures.ownerOn(key);
    if (owner === null) return;
    await this.#released(key);
    if (await this.#isCurrent(key, event, owner)) await this.#futures.stateArrived(key, event, sender);
    this.#known.add(event);
    dropOldest(this.#known);
  }

  async #isCurrent(key: StateKey, event: EventId, owner: UserId): Promise<boolean> {
    try {
      const current = await this.#rooms.state(key, owner);
      return current.kind === 'event' && current.event.event_id === event;
    } catch (error) {
      const failures = (this.#failures.get(event) ?? 0) + 1;
      this.#failures.set(event, failures);
      dropOldest(this.#failures);
      if (error instanceof HomeserverUnavailable && failures >= mostPushes) return false;
      throw error;
    }
  }

  /** A future's own event may be pushed before its request is answered: until then nobody knows that it is its own. */
  async #released(key: StateKey): Promise<void> {
    for (let waited = 0; waited < longestHold; waited += lookAgain) {
      const lock = await this.#futures.lockState(key, lookAgain);
      if (lock !== null) return lock[Symbol.asyncDispose]();
      await new Promise<void>((resolve) => void this.#timers.after(lookAgain, resolve));
    }
  }
}

function dropOldest(events: Set<EventId> | Map<EventId, number>): void {
  if (events.size <= mostKnown) return;
  const [oldest] = events.keys();
  if (oldest !== undefined) events.delete(oldest);
}

import type { Ms, StateKey, Timers } from '@matrix-futures/engine';
import { limitBodyTime, MatrixError, readBody } from '@matrix-futures/http';
import { type Forwarder, NoAnswer, type Passing, relay } from './forward.ts';
import { clientSegments } from './path.ts';

/** Runs something while nobody else changes that state key. */
export type WithStateKey = (key: StateKey, run: () => Promise<void>) => Promise<void>;

/** So long a request waits for its state key. */
export const longestWait: Ms = 10_000;
/** So long a request keeps its state key from a future's delivery, while the homeserver does not answer. */
export const longestHold: Ms = 30_000;
const longestBody = 1024 * 1024;
const bodyTime: Ms = 30_000;

/** The state key that a request sets; null: it sets none. */
export function stateKeySet(method: string | undefined, target: string): StateKey | null {
  if (method !== 'PUT') return null;
  const [rooms, room = '', state, type = '', key = '', ...more] = clientSegments(target) ?? [];
  return rooms === 'rooms' && state === 'state' && more.length === 0 ? { room, type, key } : null;
}

/**
 * `PUT /rooms/{roomId}/state/{eventType}/{stateKey}` of a client's, under the lock of its state key: otherwise it could
 * slip in between a delivery's look at that state and its own event. The body is read first, so that nobody holds the
 * lock by sending slowly, and the lock is given back as soon as the homeserver has answered.
 */
export class PlainState {
  readonly #forwarder: Forwarder;
  readonly #withStateKey: WithStateKey;
  readonly #timers: Timers;

  constructor(forwarder: Forwarder, withStateKey: WithStateKey, timers: Timers) {
    this.#forwarder = forwarder;
    this.#withStateKey = withStateKey;
    this.#timers = timers;
  }

  /** @throws MatrixError 413, 408, 503 when the lock is not to be had, NoAnswer */
  async serve(passing: Passing, key: StateKey): Promise<void> {
    const { request, response } = passing;
    limitBodyTime(request, response, bodyTime, this.#timers);
    const body = await readBody(request, longestBody);
    await this.#locked(key, async () => {
      if (response.destroyed) throw new NoAnswer();
      relay(await this.#forwarder.send(passing, { body }), response);
    });
  }

  /** Rejects when the lock does not come in time: what comes later is not begun. */
  #locked(key: StateKey, run: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      let late = false;
      const cancel = this.#timers.after(longestWait, () => {
        late = true;
        reject(busy());
      });
      const begin = (): Promise<void> => {
        cancel();
        if (late) return Promise.resolve();
        const running = run();
        running.then(resolve, reject);
        return this.#heldFor(running);
      };
      this.#withStateKey(key, begin).catch((error: unknown) => {
        cancel();
        reject(error);
      });
    });
  }

  /** Resolves when that is over, either way, or has taken long enough. */
  #heldFor(running: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#timers.after(longestHold, resolve);
      const over = () => {
        cancel();
        resolve();
      };
      running.then(over, over);
    });
  }
}

function busy(): MatrixError {
  const seconds = 1;
  return new MatrixError(
    { status: 503, errcode: 'M_UNKNOWN' },
    'This piece of state is being changed by somebody else',
    { retry_after_ms: seconds * 1_000 },
    { 'Retry-After': String(seconds) },
  );
}

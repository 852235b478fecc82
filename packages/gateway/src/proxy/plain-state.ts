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
/** So many requests for one state key wait; more are told to try again. */
export const mostWaiting = 16;
/** Between two of them the key is free for so long: a delivery that waits for it looks again sooner. */
const gap: Ms = 30;
/** An event has 64 KiB at most; escapes and blanks may make four of it. Nobody has judged who sends it. */
const longestBody = 256 * 1024;
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
 * lock by sending slowly, and the lock is given back as soon as the homeserver has answered. Whoever asks has not been
 * judged by the homeserver yet: however many they are, only one of them at a time competes with a delivery.
 */
export class PlainState {
  readonly #forwarder: Forwarder;
  readonly #withStateKey: WithStateKey;
  readonly #timers: Timers;
  readonly #lines = new Map<string, { waiting: number; last: Promise<void> }>();

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
      this.#inLine(key, () => this.#withStateKey(key, begin)).catch((error: unknown) => {
        cancel();
        reject(error);
      });
    });
  }

  /** One after the other for each key. @throws MatrixError 503 when too many wait */
  async #inLine(key: StateKey, run: () => Promise<void>): Promise<void> {
    const name = JSON.stringify([key.room, key.type, key.key]);
    const line = this.#lines.get(name) ?? { waiting: 0, last: Promise.resolve() };
    if (line.waiting >= mostWaiting) throw busy();
    line.waiting += 1;
    this.#lines.set(name, line);
    const turn = line.last.then(run);
    line.last = turn.then(
      () => this.#next(name, line),
      () => this.#next(name, line),
    );
    await turn;
  }

  async #next(name: string, line: { waiting: number }): Promise<void> {
    line.waiting -= 1;
    if (line.waiting === 0) this.#lines.delete(name);
    else await new Promise<void>((resolve) => void this.#timers.after(gap, resolve));
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

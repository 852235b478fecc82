import type { Clock, Instant } from './clock.ts';
import type { UserId } from './event.ts';

/** Devices remembered: those that synced last. Of the others only is known that none of them synced later. */
const keptDevices = 100_000;

/**
 * When each device was last seen syncing, in memory alone: a sync costs two operations on a map and no write. What is
 * not known is taken for the latest that it can have been, so that no timer that a sync restarts ever fires early:
 * after a start that is the start, because devices may have synced until the very end of the run before.
 */
export class DeviceSyncs {
  readonly #clock: Clock;
  readonly #kept: number;
  /** polls that are open, for devices that have any */
  readonly #open = new Map<string, number>();
  /** ends of polls, the oldest first */
  readonly #ended = new Map<string, Instant>();
  /** of every device that is not in `#ended` */
  #othersUntil: Instant = -Infinity;

  constructor(clock: Clock, kept = keptDevices) {
    this.#clock = clock;
    this.#kept = kept;
  }

  /** What happened before this moment nobody knows. */
  start(): void {
    this.#othersUntil = this.#clock.now();
  }

  /** A sync begins. Call what is returned when it is over: answered, or its client gone. */
  begin(user: UserId, device: string): () => void {
    const name = nameOf(user, device);
    this.#open.set(name, (this.#open.get(name) ?? 0) + 1);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const left = (this.#open.get(name) ?? 1) - 1;
      if (left > 0) this.#open.set(name, left);
      else this.#open.delete(name);
      this.#note(name);
    };
  }

  /** When this device was last syncing: now, while a poll of it is open. */
  lastOf(user: UserId, device: string): Instant {
    const name = nameOf(user, device);
    if (this.#open.has(name)) return this.#clock.now();
    return this.#ended.get(name) ?? this.#othersUntil;
  }

  #note(name: string): void {
    this.#ended.delete(name);
    this.#ended.set(name, this.#clock.now());
    if (this.#ended.size <= this.#kept) return;
    for (const [oldest, at] of this.#ended) {
      this.#ended.delete(oldest);
      this.#othersUntil = Math.max(this.#othersUntil, at);
      return;
    }
  }
}

/** User ids have no NUL. */
function nameOf(user: UserId, device: string): string {
  return `${user}\0${device}`;
}

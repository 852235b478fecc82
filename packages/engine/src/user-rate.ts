import type { Instant, Ms } from './clock.ts';
import type { UserId } from './event.ts';

/** Buckets kept. Whoever asked less recently than this many others starts again with a full one. */
const keptUsers = 20_000;

interface Bucket {
  readonly left: number;
  readonly at: Instant;
}

/**
 * How often each user may do something: a bucket that holds `burst` times and is filled by `perSecond`. Asked before
 * anything else is done for a request. Memory is bounded; a user who is forgotten is forgiven, and never refused
 * wrongly.
 */
export class UserRate {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #kept: number;
  /** the least recent first */
  readonly #buckets = new Map<UserId, Bucket>();

  constructor(perSecond: number, burst: number, kept = keptUsers) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#kept = kept;
  }

  /** Takes `count` out of the user's bucket. null: done; else nothing was taken, and how long to wait. */
  exceeded(user: UserId, count: number, now: Instant): Ms | null {
    // Whoever asks for more at once than there ever is waits for a full bucket, and not for ever.
    const asked = Math.min(count, this.#burst);
    const left = this.#leftOf(user, now);
    if (left < asked) return Math.ceil(((asked - left) / this.#perSecond) * 1_000);
    this.#buckets.delete(user);
    this.#buckets.set(user, { left: left - asked, at: now });
    if (this.#buckets.size > this.#kept) this.#forgetOldest();
    return null;
  }

  #leftOf(user: UserId, now: Instant): number {
    const bucket = this.#buckets.get(user);
    if (bucket === undefined) return this.#burst;
    return Math.min(this.#burst, bucket.left + ((now - bucket.at) / 1_000) * this.#perSecond);
  }

  #forgetOldest(): void {
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest);
      return;
    }
  }
}

import {
  type Clock,
  HomeserverUnavailable,
  type Instant,
  type Ms,
  type UserId,
} from '@matrix-futures/engine';
import type { Puppet } from '../upstream/puppet.ts';

/** Dendrite answers 20 of a user's whoami at once, then two a second. */
const trusted: Ms = 10_000;
const mostUsers = 10_000;

/**
 * For whom the homeserver lets the puppet act. A room's refusal and a refused masquerade are both 403 `M_FORBIDDEN`: only
 * the puppet's whoami tells them apart. That it may is remembered for a short time.
 */
export class Masquerades {
  readonly #puppet: Puppet;
  readonly #clock: Clock;
  readonly #allowed = new Map<UserId, Instant>();

  constructor(puppet: Puppet, clock: Clock) {
    this.#puppet = puppet;
    this.#clock = clock;
  }

  /** @throws HomeserverUnavailable */
  async mayActAs(user: UserId): Promise<boolean> {
    const until = this.#allowed.get(user);
    if (until !== undefined && until > this.#clock.now()) return true;
    const { status } = await this.#puppet.get({ as: user, path: ['account', 'whoami'] });
    // An answer of that kind says nothing against the registration.
    if (status === 429 || status >= 500)
      throw new HomeserverUnavailable(`The homeserver answered whoami with ${status}`);
    if (status !== 200) return false;
    this.#remember(user);
    return true;
  }

  #remember(user: UserId): void {
    this.#allowed.delete(user);
    this.#allowed.set(user, this.#clock.now() + trusted);
    if (this.#allowed.size <= mostUsers) return;
    const [oldest] = this.#allowed.keys();
    if (oldest !== undefined) this.#allowed.delete(oldest);
  }
}

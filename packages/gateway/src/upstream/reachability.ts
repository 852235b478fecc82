import { HomeserverUnavailable, type Ms, type Timers } from '@matrix-futures/engine';
import type { Upstream } from './upstream.ts';

/** How often a homeserver that is away is asked whether it is back: a leave is to be seen soon after. */
const interval: Ms = 1_000;

/**
 * Whether the homeserver can be reached.
 *
 * ```
 * here ── a request without an answer, 502, 503, 504 ──▶ away ── an answer to any request, asked every second ──▶ here
 * ```
 */
export class Reachability {
  readonly #upstream: Upstream;
  readonly #timers: Timers;
  readonly #listeners: (() => void)[] = [];
  #isAway = false;
  #closed = false;
  #cancel = (): void => {};

  constructor(upstream: Upstream, timers: Timers) {
    this.#upstream = upstream;
    this.#timers = timers;
    upstream.onContact((reached) => this.#learn(reached));
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** `run` is called whenever it is back. */
  onReturn(run: () => void): void {
    this.#listeners.push(run);
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  #learn(reached: boolean): void {
    if (reached === !this.#isAway || this.#closed) return;
    this.#isAway = !reached;
    this.#cancel();
    if (this.#isAway) this.#probeLater();
    else for (const run of this.#listeners) run();
  }

  #probeLater(): void {
    this.#cancel = this.#timers.after(interval, () => void this.#probe());
  }

  async #probe(): Promise<void> {
    try {
      await this.#upstream.ask({ method: 'GET', path: '/_matrix/client/versions', limit: 10_000 });
    } catch (error) {
      if (!(error instanceof HomeserverUnavailable)) throw error;
    }
    if (this.#isAway && !this.#closed) this.#probeLater();
  }
}

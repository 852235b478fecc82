import type { Ms } from '@matrix-futures/engine';
import type { Logger } from 'pino';

const quietFor: Ms = 60_000;
/** Different failures at once are few; a defect that words each one anew must not fill the memory. */
const mostKnown = 100;

/**
 * Failures of work that nobody waits for, which is tried again by itself. On a full disk that is four times a second:
 * each kind is logged when it comes, and then once a minute with how often it came meanwhile.
 */
export class BackgroundFailures {
  readonly #logger: Logger;
  readonly #now: () => Ms;
  readonly #known = new Map<string, { since: Ms; unlogged: number }>();

  /** @param now a clock that never goes back */
  constructor(logger: Logger, now: () => Ms) {
    this.#logger = logger;
    this.#now = now;
  }

  record(error: unknown): void {
    const kind = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const now = this.#now();
    const known = this.#known.get(kind);
    if (known !== undefined && now - known.since < quietFor) {
      known.unlogged += 1;
      return;
    }
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.set(kind, { since: now, unlogged: 0 });
    this.#logger.error(
      { err: error, times: 1 + (known?.unlogged ?? 0) },
      'background work failed, and goes on',
    );
  }
}

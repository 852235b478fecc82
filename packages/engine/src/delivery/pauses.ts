import type { Ms, Timers } from '../clock.ts';
import type { RemoteOptions } from './remote-options.ts';
import { sleep } from './sleep.ts';

/** The pauses between the attempts of one claim: longer and longer. */
export class Pauses {
  readonly #timers: Timers;
  readonly #longest: Ms;
  readonly #end: AbortSignal;
  #next: Ms;
  #hurry: AbortController | null = null;
  #wasHurried = false;

  /** @param end of the last one */
  constructor(timers: Timers, { first, longest }: RemoteOptions['backOff'], end: AbortSignal) {
    this.#timers = timers;
    this.#longest = longest;
    this.#end = end;
    this.#next = first;
  }

  /**
   * Not over before what the homeserver asked for. Where it asked for nothing (null), over when it answers again; but
   * not twice running, so that what fails for itself alone is not tried without a pause.
   * @param passed how much of it is over already
   */
  async pause(notBefore: Ms | null, passed: Ms = 0): Promise<void> {
    const hurry = notBefore === null && !this.#wasHurried ? new AbortController() : null;
    const end = hurry === null ? this.#end : AbortSignal.any([this.#end, hurry.signal]);
    this.#hurry = hurry;
    await sleep(this.#timers, Math.max(this.#next, notBefore ?? 0) - passed, end);
    this.#hurry = null;
    this.#wasHurried = hurry !== null && hurry.signal.aborted;
    this.#next = Math.min(this.#next * 2, this.#longest);
  }

  /** The homeserver answers again. */
  hurry(): void {
    this.#hurry?.abort();
  }
}

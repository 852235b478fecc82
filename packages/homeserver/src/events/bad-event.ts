/**
 * `malformed`: what no event may be (a fraction, a lone surrogate, nested too deeply). `too-large`: a size limit is
 * passed.
 */
export type BadEventReason = 'malformed' | 'too-large';

/** An event that no room would take, whatever its state; the caller's mistake, to be answered as such. */
export class BadEvent extends Error {
  readonly reason: BadEventReason;

  /** @param message names the member and the limit, never the content */
  constructor(reason: BadEventReason, message: string) {
    super(message);
    this.name = 'BadEvent';
    this.reason = reason;
  }
}

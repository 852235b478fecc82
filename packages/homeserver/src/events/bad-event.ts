/**
 * `malformed`: what no event may be (a fraction, a lone surrogate, nested too deeply): `M_BAD_JSON`.
 * `too-large`: a size limit is passed: `M_TOO_LARGE`.
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

  get errcode(): 'M_BAD_JSON' | 'M_TOO_LARGE' {
    return this.reason === 'too-large' ? 'M_TOO_LARGE' : 'M_BAD_JSON';
  }
}

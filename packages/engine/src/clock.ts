/**
 * Time and chance, handed in. Nothing below `cli` may ask the machine itself: a rule whose clock is handed in can be
 * tested over a century in a millisecond.
 */

/** A length of time in milliseconds. */
export type Ms = number;

/**
 * Server time in milliseconds. It starts near the wall clock and from then on only ever moves forward at the speed of
 * real time, whatever is done to the wall clock: the persisted anchor plus the boot clock. May have a fraction.
 */
export type Instant = number;

export interface Clock {
  /** Server time now: the only time that deadlines are compared with. */
  now(): Instant;
  /** Milliseconds since 1970 by the wall clock, whole: for `origin_server_ts` and for people, never for deadlines. */
  wall(): number;
}

/**
 * How far the wall clock is ahead of server time, in whole milliseconds: what to add to an instant that a client is
 * told. Below a second the two are taken for the same, so that what is told twice is told alike.
 */
export function wallAhead(clock: Clock): Ms {
  const ahead = Math.round(clock.wall() - clock.now());
  return Math.abs(ahead) < 1_000 ? 0 : ahead;
}

export interface Timers {
  /** Calls `run` once, `delay` milliseconds from now or a little later (and, like `setTimeout`, now and then a little
   * earlier: whoever must not be early asks the clock again). */
  after(delay: Ms, run: () => void): Cancel;
  /** Calls `run` once, after the input that is already waiting was read (`setImmediate`). */
  soon(run: () => void): Cancel;
}

/** Takes a timer back. Calling it twice, or after the timer ran, does nothing. */
export type Cancel = () => void;

/** Randomness fit for secrets. */
export interface Randomness {
  bytes(length: number): Uint8Array;
}

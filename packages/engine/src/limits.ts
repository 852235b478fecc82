import type { Ms } from './clock.ts';

/** What one user may ask of the server. Every one of them is configurable. */
export interface Limits {
  /** false (`--rate-limits off`): the limits per user and per future are lifted, for tests and benchmarks */
  readonly perUser: boolean;
  /** 0: none but `longestTimeout` */
  readonly maxTimeout: Ms;
  readonly pendingPerUser: number;
  readonly contentBytesPerUser: number;
  /** finished ones count until the group ends, so that a group is always quick to load */
  readonly futuresPerGroup: number;
  readonly futuresPerStateKey: number;
  /** how many futures a user may schedule at once, and how many a second in the long run */
  readonly scheduleBurst: number;
  readonly schedulesPerSecond: number;
  /** lists a second of a user, ten times as many at once */
  readonly listsPerSecond: number;
  /** refreshes a second of one future, 429 beyond: answering 200 without effect would fire it early */
  readonly refreshesPerSecond: number;
}

const day: Ms = 86_400_000;

export const defaultLimits: Limits = {
  perUser: true,
  maxTimeout: 30 * day,
  pendingPerUser: 1_000,
  contentBytesPerUser: 16 * 1024 * 1024,
  futuresPerGroup: 64,
  futuresPerStateKey: 100,
  // A whole allowance of pending futures at once, twice; then 1.7 million a day.
  scheduleBurst: 2_000,
  schedulesPerSecond: 20,
  // A list of 1,000 takes 12 ms: all at once keep refreshes waiting for half a second, which clients allow two; in the
  // long run it is a twentieth of a core. All that a user can have, finished ones too, is 20 pages.
  listsPerSecond: 4,
  refreshesPerSecond: 20,
};

/** 100 years: the longest timeout even where no maximum is configured, so that a deadline stays an exact integer. */
export const longestTimeout: Ms = 36_525 * day;

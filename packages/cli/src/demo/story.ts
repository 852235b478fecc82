/** What the demo's two processes agree on. */

/** The leave is sent this long after the last refresh, in ms. */
export const leaveAfter = 4_000;
export const refreshEvery = 1_000;
/** Bob's process is killed after so many refreshes. */
export const refreshesBeforeTheKill = 4;

/** A call membership as clients send it today (MSC3401, MSC4143). */
export const membership = 'org.matrix.msc3401.call.member';

/** What Bob's process is told. */
export interface Call {
  readonly url: string;
  readonly accessToken: string;
  readonly room: string;
  readonly stateKey: string;
}

/** What Bob's process tells of itself. */
export type Report =
  | { readonly did: 'joined' }
  /** `asked`: when the request was made, by the machine's monotonic clock, in ms */
  | { readonly did: 'refreshed'; readonly asked: number };

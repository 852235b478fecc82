/** How long a benchmark takes its time. */
export interface Pace {
  readonly rounds: number;
  readonly seconds: number;
  /** how many futures are refreshed in turn */
  readonly tokens: number;
  /** how many pending futures memory and start-up are measured with */
  readonly pending: number;
  /** how many futures fire under load */
  readonly fires: number;
}

export const full: Pace = { rounds: 3, seconds: 6, tokens: 10_000, pending: 1_000_000, fires: 1_000 };
/** One short iteration, so that the benchmarks cannot rot. Its figures say nothing. */
export const quick: Pace = { rounds: 1, seconds: 0.5, tokens: 50, pending: 5_000, fires: 20 };

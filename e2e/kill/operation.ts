/**
 * One request of the load, and what it was told. Times are milliseconds of the machine's monotonic clock, which all
 * processes share.
 */
export interface Operation {
  readonly kind: 'schedule' | 'refresh' | 'cancel' | 'send' | 'state' | 'message';
  readonly group: string;
  /** what the content of the event says: of the future it is about, or of the plain event that it sends */
  readonly mark: string;
  /** those that are asked for; empty unless it schedules */
  readonly futures: readonly AskedFuture[];
  /** the mark of the event that a batch sends at once */
  readonly sendNow: string | null;
  readonly sent: number;
  /** null: none came, so it may have happened or not */
  readonly answer: { readonly at: number; readonly status: number; readonly event: string | null } | null;
}

export interface AskedFuture {
  readonly mark: string;
  /** null: an action future */
  readonly timeout: number | null;
  readonly isState: boolean;
}

/** An event, as another user's sync told it. */
export interface Seen {
  readonly mark: string;
  readonly event: string;
  /** when it came */
  readonly at: number;
}

/** Of all events that an operation is about. */
export function marksOf({ mark, sendNow, futures }: Operation): readonly string[] {
  return [mark, ...(sendNow === null ? [] : [sendNow]), ...futures.map((one) => one.mark)];
}

/** Milliseconds since the machine started, in any process of it. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

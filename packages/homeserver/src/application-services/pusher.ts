import type { Cancel, Ms, Timers } from '@matrix-futures/engine';
import type { Turn } from '@matrix-futures/sqlite';
import type { PushQueue } from './push-queue.ts';
import type { AskService } from './service-client.ts';
import type { ApplicationService } from './services.ts';
import type { ServiceTransaction } from './transaction-reader.ts';

/**
 * Tells one service what is its business: in order, one transaction at a time, each until the service has taken it
 * (application service API, "Pushing events"). How far that is, is in the database, so nothing is lost by a restart,
 * and what had been told without this being written is told again.
 *
 * ```
 *   idle ── woken ──▶ telling ── all of it was taken ──▶ idle
 *                      ▲  └── not taken ──▶ waiting
 *                      └── the wait is over, or the service answers ──┘
 * ```
 * Woken while it tells or waits, it goes on with what is new behind what it has. Where the pace has a delay, it waits for
 * that before it tells; where it names no wait after a failure, it is idle until something is new.
 */
export interface Pusher {
  /** There may be something new. Returns at once. */
  wake(): void;
  /** The service answers: what waits for its next attempt need not wait. */
  hurry(): void;
  /** Ends what is under way, and waits until nothing is. */
  stop(): Promise<void>;
}

/** When a service is told. */
export interface PushPace {
  /** between an event's commit and its push */
  readonly delay: Ms;
  /** @param failures in a row, from 1 on. @returns null: until there is something new */
  waitAfter(failures: number): Ms | null;
}

const firstWait: Ms = 1_000;
const longestWait: Ms = 60_000;

/** This homeserver's own: at once, and after a failure again in 1 s, then 2 s, up to a minute. */
export const pushPace: PushPace = {
  delay: 0,
  waitAfter: (failures) => Math.min(firstWait * 2 ** (failures - 1), longestWait),
};

export interface Pushing {
  readonly turn: Turn;
  readonly timers: Timers;
  readonly ask: AskService;
  readonly pace: PushPace;
  /** told of defects, and of a database that cannot be written; the push is tried again */
  readonly onError: (error: unknown) => void;
}

export function createPusher(
  service: ApplicationService & { readonly url: string },
  queue: PushQueue,
  { turn, timers, ask, pace, onError }: Pushing,
): Pusher {
  const stopping = new AbortController();
  let working: Promise<void> | null = null;
  let isWoken = false;
  let failures = 0;
  let cancelWait: Cancel | null = null;
  let cancelNotice: Cancel | null = null;
  /** not taken yet */
  let pending: ServiceTransaction | null = null;

  const isTaken = async ({ id, events }: ServiceTransaction): Promise<boolean> => {
    if (events.length === 0) return true;
    const path = `/_matrix/app/v1/transactions/${id}`;
    const reached = await ask(service, 'PUT', path, { events }, stopping.signal);
    return reached.kind === 'answered' && reached.status === 200;
  };

  /** @returns false: the service did not take it */
  const pushAll = async (): Promise<boolean> => {
    for (;;) {
      const refused = pending;
      // What comes while a transaction waits is still to be read once that one is taken.
      if (refused === null) isWoken = false;
      const transaction = await turn.unit(() => (refused === null ? queue.next() : queue.again(refused)));
      pending = transaction;
      if (!(await isTaken(transaction))) return false;
      failures = 0;
      await turn.unit(() => queue.taken(transaction));
      pending = null;
      const isOver = !transaction.isFull && !isWoken;
      if (isOver || stopping.signal.aborted) return true;
    }
  };

  const retry = (): void => {
    failures += 1;
    const wait = pace.waitAfter(failures);
    if (wait !== null) schedule(wait);
  };

  const schedule = (wait: Ms): void => {
    if (stopping.signal.aborted) return;
    cancelWait = timers.after(wait, () => {
      cancelWait = null;
      work();
    });
  };

  const notice = (noticed: () => void): void => {
    cancelNotice ??= timers.after(pace.delay, () => {
      cancelNotice = null;
      void turn.unit(noticed).catch(onError);
    });
  };

  const work = (): void => {
    working = pushAll()
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) onError(error);
        return false;
      })
      .then((done) => {
        working = null;
        if (!done) retry();
        else if (isWoken && !stopping.signal.aborted) work();
      });
  };

  return {
    wake() {
      isWoken = true;
      if (queue.noticed !== undefined) notice(queue.noticed);
      if (working !== null || cancelWait !== null || stopping.signal.aborted) return;
      if (pace.delay === 0) work();
      else schedule(pace.delay);
    },
    hurry() {
      if (cancelWait === null) return;
      cancelWait();
      cancelWait = null;
      work();
    },
    async stop() {
      stopping.abort();
      cancelWait?.();
      cancelNotice?.();
      await working;
    },
  };
}

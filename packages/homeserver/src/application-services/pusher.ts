import type { Cancel, Ms, Timers } from '@matrix-futures/engine';
import type { Turn } from '@matrix-futures/sqlite';
import type { ServicePositions } from './positions.ts';
import type { AskService } from './service-client.ts';
import type { ApplicationService } from './services.ts';
import type { ReadTransaction, ServiceTransaction } from './transaction-reader.ts';

/**
 * Tells one service what is its business: in order, one transaction at a time, each until the service has taken it
 * (application service API, "Pushing events"). How far that is, is in the database, so nothing is lost by a restart,
 * and what had been told without this being written is told again.
 */
export interface Pusher {
  /** There may be something new. Returns at once. */
  wake(): void;
  /** The service answers: what waits for its next attempt need not wait. */
  hurry(): void;
  /** Ends what is under way, and waits until nothing is. */
  stop(): Promise<void>;
}

export interface Pushing {
  readonly turn: Turn;
  readonly timers: Timers;
  readonly positions: ServicePositions;
  readonly read: ReadTransaction;
  readonly ask: AskService;
  /** told of defects, and of a database that cannot be written; the push is tried again */
  readonly onError: (error: unknown) => void;
}

/** The wait after the first attempt that failed; doubled with each further one. */
const firstWait: Ms = 1_000;
const longestWait: Ms = 60_000;

/** Positions that are none of the service's business may be passed unwritten: they would be read again, no more. */
const mostUnwritten = 1_000;

export function createPusher(
  service: ApplicationService & { readonly url: string },
  { turn, timers, positions, read, ask, onError }: Pushing,
): Pusher {
  const stopping = new AbortController();
  let working: Promise<void> | null = null;
  let isWoken = false;
  let failures = 0;
  let cancelWait: Cancel | null = null;
  /** not taken yet: told again with the same id and the same events */
  let pending: ServiceTransaction | null = null;
  let written = 0;
  let position: number | null = null;

  const next = (): ServiceTransaction => {
    written = positions.of(service.id) ?? 0;
    return read(service, Math.max(position ?? 0, written));
  };

  const pass = async ({ upTo, events }: ServiceTransaction): Promise<void> => {
    if (events.length > 0 || upTo - written >= mostUnwritten) {
      await turn.unit(() => positions.set(service.id, upTo));
    }
    position = upTo;
  };

  /** The id is the position of the last event: it grows, and stands for the same events whenever it comes again. */
  const isTaken = async ({ upTo, events }: ServiceTransaction): Promise<boolean> => {
    if (events.length === 0) return true;
    const path = `/_matrix/app/v1/transactions/${upTo}`;
    const reached = await ask(service, 'PUT', path, { events }, stopping.signal);
    return reached.kind === 'answered' && reached.status === 200;
  };

  /** @returns false: the service did not take it */
  const pushAll = async (): Promise<boolean> => {
    for (;;) {
      if (pending === null) {
        isWoken = false;
        pending = await turn.unit(next);
      }
      if (!(await isTaken(pending))) return false;
      failures = 0;
      await pass(pending);
      const { isFull } = pending;
      pending = null;
      if (stopping.signal.aborted || !(isFull || isWoken)) return true;
    }
  };

  const retry = (): void => {
    if (stopping.signal.aborted) return;
    const wait = Math.min(firstWait * 2 ** failures, longestWait);
    failures += 1;
    cancelWait = timers.after(wait, () => {
      cancelWait = null;
      work();
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
        else if (isWoken) work();
      });
  };

  return {
    wake() {
      isWoken = true;
      if (working === null && cancelWait === null && !stopping.signal.aborted) work();
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
      await working;
    },
  };
}

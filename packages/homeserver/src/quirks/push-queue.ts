import type { Clock } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import { createPushQueue, type PushQueue } from '../application-services/push-queue.ts';
import type { PushPace } from '../application-services/pusher.ts';
import type { ServiceTransaction } from '../application-services/transaction-reader.ts';
import type { PushQueueParts } from '../manner.ts';
import type { Quirks } from './quirks.ts';

const firstSquare = 30_000;

/** Tells services when the server with these quirks does. */
export function oddPushPace({ pushTakes, pushRetries, longestPushWait }: Quirks): PushPace {
  return {
    delay: pushTakes,
    waitAfter(failures) {
      switch (pushRetries) {
        case 'doubling':
          return Math.min(1_000 * 2 ** (failures - 1), longestPushWait);
        case 'squares':
          return firstSquare * failures ** 2;
        case 'with-traffic':
          return null;
      }
    },
  };
}

/** Tells a service what the server with these quirks does: not all, not in order, or by ids that were used before. */
export function createOddPushQueue(
  quirks: Quirks,
  { service, stream, told, read }: PushQueueParts,
  database: Database,
  clock: Clock,
): PushQueue {
  const findNoticed = database.prepare<[string], { noticed: number }>(
    'SELECT noticed FROM quirk_push WHERE service = ?',
  );
  const setNoticed = database.prepare<[string, number], never>(
    'INSERT OR REPLACE INTO quirk_push (service, noticed) VALUES (?, ?)',
  );
  /** Everything up to it was there when the server started. */
  const start = stream.current();
  const noticedBefore = quirks.losesLastPushes ? (findNoticed.get(service.id)?.noticed ?? start) : start;
  const nextId = createIds(quirks, clock);
  let keeps = quirks.keptOverRestart;
  let grown: string | null = null;

  const queue = createPushQueue(service, told, read, ({ type, position }) => {
    const isLost = position > noticedBefore && position <= start;
    return !isLost && (quirks.pushesRedactions || type !== 'm.room.redaction');
  });

  /** What was there at the start may be turned round, and not all of it is kept. */
  const altered = (transaction: ServiceTransaction): ServiceTransaction => {
    const { upTo, events } = transaction;
    if (upTo > start || events.length === 0) return transaction;
    const kept = events.slice(0, keeps);
    return { ...transaction, events: quirks.pushesNewestFirstAfterRestart ? kept.toReversed() : kept };
  };

  const next = (): ServiceTransaction => altered(queue.next());

  return {
    next() {
      const transaction = next();
      return transaction.events.length === 0 ? transaction : { ...transaction, id: nextId(transaction.id) };
    },
    again(transaction) {
      if (!quirks.retriesGrow || grown === transaction.id) return transaction;
      grown = transaction.id;
      return { ...next(), id: transaction.id };
    },
    taken(transaction) {
      if (transaction.upTo <= start) keeps -= transaction.events.length;
      queue.taken(transaction);
    },
    ...(quirks.losesLastPushes && {
      noticed: () => void setNoticed.run(service.id, stream.current()),
    }),
  };
}

/** @returns a function that makes an id, given the one that this server would use */
function createIds({ pushIds }: Quirks, clock: Clock): (own: string) => string {
  let last = 0;
  switch (pushIds) {
    case 'growing':
      return (own) => own;
    case 'restarting':
      return () => {
        last += 2;
        return String(last);
      };
    case 'nanoseconds':
      return () => {
        last = Math.max(last + 1, clock.wall());
        return `${last}000000`;
      };
  }
}

import type { StoredEvent } from '../rooms/stored-event.ts';
import type { ServicePositions } from './positions.ts';
import type { ApplicationService } from './services.ts';
import type { ReadTransaction, ServiceTransaction } from './transaction-reader.ts';

/** What one service is still to be told. All of it is for inside a unit. */
export interface PushQueue {
  /** What comes next; without events where there is nothing to tell. */
  next(): ServiceTransaction;
  /** What is told instead of a transaction that was not taken: the same. */
  again(transaction: ServiceTransaction): ServiceTransaction;
  /** The service has taken it. */
  taken(transaction: ServiceTransaction): void;
  /** There are new events, whether or not something else has to be taken first. */
  readonly noticed?: () => void;
}

/** Positions that are none of the service's business may be passed unwritten: they would be read again, no more. */
const mostUnwritten = 1_000;

export function createPushQueue(
  service: ApplicationService,
  positions: ServicePositions,
  read: ReadTransaction,
  isWanted: (event: StoredEvent) => boolean = () => true,
): PushQueue {
  let passed = 0;
  return {
    next: () => read(service, Math.max(passed, positions.of(service.id) ?? 0), isWanted),
    again: (transaction) => transaction,
    taken({ upTo, events }) {
      const unwritten = upTo - (positions.of(service.id) ?? 0);
      if (events.length > 0 || unwritten >= mostUnwritten) positions.set(service.id, upTo);
      else passed = upTo;
    },
  };
}

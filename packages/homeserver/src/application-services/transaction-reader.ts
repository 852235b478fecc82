import type { RoomId, UserId } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import type { ClientEvent } from '../events/client-event.ts';
import type { ClientEvents } from '../rooms/client-event.ts';
import { storedEventColumns, type StoredEvent } from '../rooms/stored-event.ts';
import { interestOf } from './interest.ts';
import type { ApplicationService } from './services.ts';

/** What a service is told at once. */
export interface ServiceTransaction {
  /** It grows, and stands for the same events whenever it comes again. */
  readonly id: string;
  /** Everything up to it that is the service's business is in this transaction or an earlier one. */
  readonly upTo: number;
  /** in order; none: nothing in the part that was read is the service's business */
  readonly events: readonly ClientEvent[];
  /** There may be more. */
  readonly isFull: boolean;
}

/** Reads what comes after a position, inside a unit. Its id is the position of its last event. */
export type ReadTransaction = (
  service: ApplicationService,
  after: number,
  isWanted: (event: StoredEvent) => boolean,
) => ServiceTransaction;

/** Events of a transaction (application service API, "Pushing events"), and rows read for it. */
const mostEvents = 100;

export function createTransactionReader(
  database: Database,
  events: ClientEvents,
  membersOf: (room: RoomId) => readonly UserId[],
): ReadTransaction {
  const read = database.prepare<[number, number], StoredEvent>(
    `SELECT ${storedEventColumns} FROM event WHERE stream_position > ? ORDER BY stream_position LIMIT ?`,
  );
  return (service, after, isWanted) => {
    const rows = read.all(after, mostEvents);
    const viewer = { user: service.sender, device: null };
    const upTo = rows.at(-1)?.position ?? after;
    const isInteresting = interestOf(service, membersOf);
    return {
      id: String(upTo),
      upTo,
      events: rows
        .filter((event) => isInteresting(event) && isWanted(event))
        .map((event) => events.whole(event, viewer)),
      isFull: rows.length === mostEvents,
    };
  };
}

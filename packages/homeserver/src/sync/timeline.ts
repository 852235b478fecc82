import type { RoomId } from '@matrix-futures/engine';
import type { RoomStore } from '../rooms/room-store.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';

/** The end of a room's history, as far as a response shows it. */
export interface Timeline {
  /** oldest first */
  readonly events: readonly StoredEvent[];
  /** There are more events between the range's beginning and `start`. */
  readonly limited: boolean;
  /** Everything after this position that may be shown is in `events`. */
  readonly start: number;
}

/** `(after, upTo]` */
export interface Range {
  readonly after: number;
  readonly upTo: number;
}

/**
 * Events looked at for one timeline, however few of them pass: a filter that fits next to nothing must not read a room
 * of a million events.
 */
const maxScanned = 1_000;

/**
 * The last events of the range that pass.
 * @param shows null: all of them do
 * @param limit most events
 */
export function readTimeline(
  store: RoomStore,
  room: RoomId,
  { after, upTo }: Range,
  limit: number,
  shows: ((event: StoredEvent) => boolean) | null,
): Timeline {
  const events: StoredEvent[] = [];
  const chunk = shows === null ? limit + 1 : Math.max(limit + 1, 50);
  let start = upTo;
  for (let scanned = 0; scanned <= Math.max(limit, maxScanned); scanned += chunk) {
    const older = store.backwards(room, after, start, chunk);
    for (const event of older) {
      if (shows === null || shows(event)) {
        if (events.length === limit) return { events: events.toReversed(), limited: true, start };
        events.push(event);
      }
      start = event.position - 1;
    }
    if (older.length < chunk) return { events: events.toReversed(), limited: false, start: after };
  }
  return { events: events.toReversed(), limited: true, start };
}

import type { RoomId } from '@matrix-futures/engine';
import type { EventTest } from '../filters/event-test.ts';
import { contentOf, type StoredEvent } from './stored-event.ts';
import type { RoomStore } from './room-store.ts';
import type { Sees } from './visibility.ts';

/** Which part of a room's history to walk through, from one end. */
export interface Walk {
  readonly room: RoomId;
  readonly direction: 'f' | 'b';
  /** events after this position */
  readonly after: number;
  /** and up to this one */
  readonly upTo: number;
  /** how many events to find */
  readonly limit: number;
  readonly sees: Sees;
  /** null: every event is wanted */
  readonly wanted: EventTest | null;
}

export interface Found {
  /** in the direction of the walk */
  readonly events: readonly StoredEvent[];
  /** the position to go on from; null: there is no more */
  readonly end: number | null;
}

/** Rows read at a time, and in one request at most: a filter that nothing passes ends in an empty page with a token to
 * go on from, after about 20 ms. */
const batch = 100;
const mostRead = 5_000;

/** The limit counts what passes the filter, not what was looked at. */
export function walk(store: RoomStore, { room, direction, after, upTo, limit, sees, wanted }: Walk): Found {
  const events: StoredEvent[] = [];
  if (limit === 0) return { events, end: direction === 'b' ? upTo : after };
  const read = direction === 'b' ? store.backwards : store.forwards;
  let range = { after, upTo };
  for (let seen = 0; seen < mostRead; seen += batch) {
    const rows = read(room, range.after, range.upTo, batch);
    for (const row of rows) {
      const end = direction === 'b' ? row.position - 1 : row.position;
      range = direction === 'b' ? { after, upTo: end } : { after: end, upTo };
      if (sees(row) && passes(row, wanted)) events.push(row);
      if (events.length >= limit) return { events, end };
    }
    if (rows.length < batch) return { events, end: null };
  }
  return { events, end: direction === 'b' ? range.upTo : range.after };
}

function passes(event: StoredEvent, wanted: EventTest | null): boolean {
  return (
    wanted === null || wanted({ type: event.type, sender: event.sender, content: () => contentOf(event) })
  );
}

/** The member events of those who sent these events, as they were at the position: what lazy loading asks for. */
export function sendersOf(
  store: RoomStore,
  room: RoomId,
  events: readonly StoredEvent[],
  position: number,
): StoredEvent[] {
  const senders = new Set(events.map(({ sender }) => sender));
  return [...senders].flatMap((user) => store.stateEventAt(room, 'm.room.member', user, position) ?? []);
}

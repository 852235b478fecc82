import type { EventId, JsonObject, RoomId, UserId } from '@matrix-futures/engine';
import type { Database, Migration } from '@matrix-futures/sqlite';
import type { Notifier } from '../stream/notifier.ts';
import type { Positions } from '../stream/positions.ts';
import type { RecentRooms } from '../stream/recent-rooms.ts';

/** Append only. */
export const receiptMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE receipt (
        room_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        type TEXT NOT NULL,               -- m.read, m.read.private
        thread TEXT NOT NULL,             -- 'main' or the id of a thread's root; empty: unthreaded
        event_id TEXT NOT NULL,
        event_position INTEGER NOT NULL,  -- the stream position of that event
        ts INTEGER NOT NULL,              -- milliseconds since 1970
        stream_position INTEGER NOT NULL,
        PRIMARY KEY (room_id, user_id, type, thread)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX receipt_change ON receipt (room_id, stream_position);
    `,
  },
];

export type ReceiptType = 'm.read' | 'm.read.private';

/** Up to where a user has read, in a room or in a thread of it. */
export interface Receipt {
  readonly room: RoomId;
  readonly user: UserId;
  readonly type: ReceiptType;
  /** `main`, or the id of the thread's root; empty: of the room regardless of threads */
  readonly thread: string;
  readonly event: EventId;
  /** the stream position of that event */
  readonly eventPosition: number;
  /** milliseconds since 1970 */
  readonly ts: number;
}

/** Up to where everybody has read (client-server API, "Receipts"). Synchronous. */
export interface ReceiptStore {
  /** Inside a unit. A receipt that would move backwards is ignored. Wakes who may see it: private ones are the user's own. */
  put(receipt: Receipt): void;
  /** the user's own receipts of a room, of both types and all threads */
  own(room: RoomId, user: UserId): Pick<Receipt, 'thread' | 'eventPosition'>[];
  /** The contents of `m.receipt` with what changed in the range `(after, upTo]` and `viewer` may see, one a thread. */
  changes(room: RoomId, viewer: UserId, after: number, upTo: number): JsonObject[];
}

export function openReceiptStore(
  database: Database,
  positions: Positions,
  notifier: Notifier,
  recent: RecentRooms,
): ReceiptStore {
  type Key = readonly [RoomId, UserId, string, string];
  const find = database.prepare<Key, { position: number }>(
    `SELECT event_position AS position FROM receipt
     WHERE room_id = ? AND user_id = ? AND type = ? AND thread = ?`,
  );
  const put = database.prepare<readonly [...Key, EventId, number, number, number], never>(
    `INSERT INTO receipt (room_id, user_id, type, thread, event_id, event_position, ts, stream_position)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET event_id = excluded.event_id, event_position = excluded.event_position,
       ts = excluded.ts, stream_position = excluded.stream_position`,
  );
  const own = database.prepare<[RoomId, UserId], Pick<Receipt, 'thread' | 'eventPosition'>>(
    'SELECT thread, event_position AS eventPosition FROM receipt WHERE room_id = ? AND user_id = ?',
  );
  const changed = database.prepare<
    [RoomId, number, number, UserId],
    Pick<Receipt, 'user' | 'type' | 'thread' | 'event' | 'ts'>
  >(
    `SELECT user_id AS user, type, thread, event_id AS event, ts FROM receipt
     WHERE room_id = ? AND stream_position > ? AND stream_position <= ? AND (type = 'm.read' OR user_id = ?)
     ORDER BY stream_position`,
  );

  return {
    put({ room, user, type, thread, event, eventPosition, ts }) {
      const earlier = find.get(room, user, type, thread)?.position ?? 0;
      if (eventPosition <= earlier) return;
      const position = positions.next();
      put.run(room, user, type, thread, event, eventPosition, ts, position);
      recent.touch(room, position);
      if (type === 'm.read') notifier.wakeRoom(room);
      else notifier.wake([user]);
    },
    own: (room, user) => own.all(room, user),
    changes(room, viewer, after, upTo) {
      const threads = Map.groupBy(changed.all(room, after, upTo, viewer), (row) => row.thread);
      return [...threads.values()].map(contentOf);
    },
  };
}

/** By event, type and user. A user may have several receipts on one event, of different threads: the shape has room for
 * one, so each thread gets an event of its own. */
function contentOf(rows: readonly Pick<Receipt, 'user' | 'type' | 'thread' | 'event' | 'ts'>[]): JsonObject {
  const content: Record<EventId, Record<string, Record<UserId, JsonObject>>> = {};
  for (const { user, type, thread, event, ts } of rows) {
    const byType = (content[event] ??= {});
    const byUser = (byType[type] ??= {});
    byUser[user] = thread === '' ? { ts } : { ts, thread_id: thread };
  }
  return content;
}

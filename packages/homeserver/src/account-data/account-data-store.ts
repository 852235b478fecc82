import type { JsonObject, RoomId, UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import type { Database, Migration } from '@matrix-futures/sqlite';
import type { Notifier } from '../stream/notifier.ts';
import type { Positions } from '../stream/positions.ts';
import { parseStored } from './stored-json.ts';

/** Append only. */
export const accountDataMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE account_data (
        user_id TEXT NOT NULL,
        room_id TEXT NOT NULL,   -- empty: of the account as a whole
        type TEXT NOT NULL,
        content TEXT NOT NULL,   -- JSON
        stream_position INTEGER NOT NULL,
        PRIMARY KEY (user_id, room_id, type)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX account_data_change ON account_data (user_id, stream_position);
    `,
  },
];

/** An entry as `/sync` shows it. */
export interface AccountDatum {
  /** empty: of the account as a whole */
  readonly room: RoomId;
  readonly type: string;
  readonly content: JsonObject;
}

/** What clients keep on the server for their user alone (client-server API, "Client Config"). Synchronous. */
export interface AccountDataStore {
  /** @param room empty for the account as a whole */
  get(user: UserId, room: RoomId, type: string): JsonObject | null;
  /**
   * Inside a unit. Wakes the user's long polls.
   * @throws MatrixError `tooLarge`, or `limitExceeded` for more entries than fit
   */
  set(user: UserId, room: RoomId, type: string, content: JsonObject): void;
  /** what changed in the range `(after, upTo]`, in order, of the account and of all rooms */
  changes(user: UserId, after: number, upTo: number): AccountDatum[];
  /** all that was there of a room at the position and has not changed since */
  ofRoom(user: UserId, room: RoomId, upTo: number): AccountDatum[];
}

/** Clients keep lists of emoji and of direct chats there: some are long. */
const maxLength = 256 * 1024;
const maxEntries = 10_000;

export function openAccountDataStore(
  database: Database,
  positions: Positions,
  notifier: Notifier,
): AccountDataStore {
  const find = database.prepare<[UserId, string, string], { content: string }>(
    'SELECT content FROM account_data WHERE user_id = ? AND room_id = ? AND type = ?',
  );
  const count = database.prepare<[UserId], { entries: number }>(
    'SELECT count(*) AS entries FROM account_data WHERE user_id = ?',
  );
  const put = database.prepare<[UserId, string, string, string, number], never>(
    `INSERT INTO account_data (user_id, room_id, type, content, stream_position) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET content = excluded.content, stream_position = excluded.stream_position`,
  );
  type Row = { readonly room: RoomId; readonly type: string; readonly content: string };
  const datum = ({ room, type, content }: Row): AccountDatum => ({
    room,
    type,
    content: parseStored(content),
  });
  const ofRoom = database.prepare<[UserId, RoomId, number], Row>(
    `SELECT room_id AS room, type, content FROM account_data
     WHERE user_id = ? AND room_id = ? AND stream_position <= ? ORDER BY stream_position`,
  );
  const changed = database.prepare<[UserId, number, number], Row>(
    `SELECT room_id AS room, type, content FROM account_data
     WHERE user_id = ? AND stream_position > ? AND stream_position <= ? ORDER BY stream_position`,
  );

  return {
    get(user, room, type) {
      const row = find.get(user, room, type);
      return row === undefined ? null : parseStored(row.content);
    },
    set(user, room, type, content) {
      const json = JSON.stringify(content);
      if (json.length > maxLength) throw new MatrixError('tooLarge', 'The account data is too large');
      if (find.get(user, room, type) === undefined && (count.get(user)?.entries ?? 0) >= maxEntries) {
        throw new MatrixError('limitExceeded', 'Too many entries of account data');
      }
      put.run(user, room, type, json, positions.next());
      notifier.wake([user]);
    },
    changes: (user, after, upTo) => changed.all(user, after, upTo).map(datum),
    ofRoom: (user, room, upTo) => ofRoom.all(user, room, upTo).map(datum),
  };
}

import type { Migration } from '@matrix-futures/sqlite';

/**
 * Rooms, their events and what follows from them. Append only.
 *
 * There is one writer a room, so the graph is a line, and the state at a position is, for each key, the newest state
 * event at or before it (index `event_state`). `current_state` and `membership` are projections of `event`, written
 * in the same unit.
 */
export const roomMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE room (
        room_id TEXT PRIMARY KEY,
        version TEXT NOT NULL,
        creator TEXT NOT NULL,
        is_public INTEGER NOT NULL -- listed in the directory of rooms
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE event (
        stream_position INTEGER PRIMARY KEY,
        event_id TEXT NOT NULL UNIQUE,
        room_id TEXT NOT NULL,
        type TEXT NOT NULL,
        state_key TEXT,          -- NULL: a message event
        sender TEXT NOT NULL,
        depth INTEGER NOT NULL,
        origin_server_ts INTEGER NOT NULL,
        pdu TEXT NOT NULL,       -- JSON with hashes and signatures; once redacted, the redacted form
        redacted_by TEXT,        -- id of the redaction
        replaces_state TEXT,     -- id of the state event that was current before this one
        transaction_device TEXT, -- the device that sent it with the transaction id beside
        transaction_id TEXT,
        transaction_target TEXT  -- the event named in the path of /redact; NULL for /send
      ) STRICT;
      CREATE INDEX event_room ON event (room_id, stream_position);
      CREATE INDEX event_state ON event (room_id, type, state_key, stream_position) WHERE state_key IS NOT NULL;
      CREATE INDEX event_transaction ON event (transaction_device, transaction_id) WHERE transaction_id IS NOT NULL;

      CREATE TABLE current_state (
        room_id TEXT NOT NULL,
        type TEXT NOT NULL,
        state_key TEXT NOT NULL,
        event_id TEXT NOT NULL,
        stream_position INTEGER NOT NULL,
        PRIMARY KEY (room_id, type, state_key)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE membership (
        room_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        membership TEXT NOT NULL, -- join, invite, leave, ban, knock
        event_id TEXT NOT NULL,
        stream_position INTEGER NOT NULL,
        forgotten INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (room_id, user_id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX membership_user ON membership (user_id, membership);
    `,
  },
  {
    version: 2,
    sql: `
      -- Of the future that sent the event, for its sender to see; both NULL for other events.
      ALTER TABLE event ADD COLUMN delay_id TEXT;
      ALTER TABLE event ADD COLUMN delay_generation TEXT; -- delay-parameter, delayed-events
    `,
  },
];

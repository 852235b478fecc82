import type { Migration } from '@matrix-futures/sqlite';

/**
 * Words are stored as numbers (`words.ts`), instants as REAL because they may have a fraction.
 *
 * What costs is pages: a change in a place of its own takes a page of 4 KiB to the log and later to the database, some
 * 8 µs. So a future stays in its row when it finishes, and the indexes are as few as the questions: with a table of
 * its own for finished futures, sending one touched 8.3 pages, now 4.4. What a future carries, long and rarely read,
 * stands in `drafts`. No foreign keys: every row is written by the one group it belongs to.
 */
export const migrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE owners (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        active INTEGER NOT NULL DEFAULT 1
      ) STRICT;
      CREATE INDEX owners_inactive ON owners (id) WHERE active = 0;

      -- Only keys that a pending future stands on.
      CREATE TABLE state_keys (
        room TEXT NOT NULL,
        type TEXT NOT NULL,
        key TEXT NOT NULL,
        id INTEGER NOT NULL,
        PRIMARY KEY (room, type, key)
      ) STRICT, WITHOUT ROWID;

      -- Of those, the ones for which state arrived since.
      CREATE TABLE marks (
        state_key INTEGER PRIMARY KEY,
        event TEXT NOT NULL,
        sender TEXT NOT NULL,
        arrival INTEGER NOT NULL,
        other_event TEXT,
        other_sender TEXT,
        other_arrival INTEGER
      ) STRICT;

      -- AUTOINCREMENT: SQLite would give the number of a deleted last row to the next one.
      CREATE TABLE groups (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        owner INTEGER NOT NULL,
        name TEXT NOT NULL,
        phase INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        claim TEXT,
        send_now TEXT,
        ended_at REAL,
        -- 1: closed, its name may be taken by another. A column of its own, so that sending leaves the index alone.
        name_free INTEGER NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX groups_by_name ON groups (owner, name) WHERE name_free = 0;
      CREATE INDEX groups_under_way ON groups (id) WHERE phase IN (0, 2);
      CREATE INDEX groups_by_end ON groups (ended_at) WHERE ended_at IS NOT NULL;

      CREATE TABLE futures (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        group_id INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        nonce_high INTEGER NOT NULL,
        nonce_low INTEGER NOT NULL,
        generation INTEGER NOT NULL,
        status INTEGER NOT NULL,
        timeout REAL,
        deadline INTEGER,
        since REAL NOT NULL,
        state_order INTEGER NOT NULL,
        state_key INTEGER,
        content_bytes INTEGER NOT NULL,
        -- 0: pending; then its number in its owner's list of outcomes; NULL: it has left the list
        listed INTEGER,
        outcome INTEGER,
        outcome_at REAL,
        outcome_detail TEXT
      ) STRICT;
      CREATE INDEX futures_by_group ON futures (group_id);
      CREATE INDEX futures_by_list ON futures (owner, listed) WHERE listed IS NOT NULL;
      CREATE INDEX futures_by_outcome ON futures (listed) WHERE listed > 0;
      CREATE INDEX futures_by_state_key ON futures (state_key, owner) WHERE state_key IS NOT NULL;

      CREATE TABLE drafts (
        future INTEGER PRIMARY KEY,
        room TEXT NOT NULL,
        sender TEXT NOT NULL,
        type TEXT NOT NULL,
        state_key TEXT,
        content TEXT NOT NULL,
        extras TEXT NOT NULL,
        action TEXT,
        fence INTEGER NOT NULL,
        fence_event TEXT
      ) STRICT;

      CREATE TABLE transactions (
        number INTEGER PRIMARY KEY,
        scope TEXT NOT NULL UNIQUE,
        at REAL NOT NULL,
        group_name TEXT NOT NULL,
        futures TEXT NOT NULL,
        send_now TEXT
      ) STRICT;

      -- The refreshes of one turn, packed: see journal.ts.
      CREATE TABLE journal (
        sequence INTEGER PRIMARY KEY,
        entries BLOB NOT NULL
      ) STRICT;
    `,
  },
  {
    // In `drafts`, because it is asked for only when a timer has run out.
    version: 2,
    sql: 'ALTER TABLE drafts ADD COLUMN heartbeat TEXT;',
  },
];

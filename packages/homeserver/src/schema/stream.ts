import type { Migration } from '@matrix-futures/sqlite';

/** The server's own row and the counter behind every stream. Append only. */
export const streamMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      -- Every position up to and including this one may have been given out; the next start counts on from here.
      CREATE TABLE stream (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        reserved INTEGER NOT NULL
      ) STRICT;
      INSERT INTO stream (id, reserved) VALUES (1, 0);

      -- Whose database this is, and the key its events are signed with.
      CREATE TABLE server (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        name TEXT NOT NULL,
        signing_key TEXT NOT NULL -- key id and Ed25519 seed
      ) STRICT;
    `,
  },
];

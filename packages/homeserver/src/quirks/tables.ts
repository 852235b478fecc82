import type { Migration } from '@matrix-futures/sqlite';

/** Made only where quirks are imitated. Append only. */
export const quirkMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE quirk_transaction (
        name TEXT PRIMARY KEY,
        event_id TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;

      -- Up to where a service will be told after a restart; what comes behind is lost if the server is killed.
      CREATE TABLE quirk_push (
        service TEXT PRIMARY KEY,
        noticed INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

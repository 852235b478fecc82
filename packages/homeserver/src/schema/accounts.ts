import type { Migration } from '@matrix-futures/sqlite';

/** Accounts, their devices and logins. Append only. */
export const accountMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE account (
        user_id TEXT PRIMARY KEY,
        password TEXT,           -- argon2id in PHC form; NULL: cannot log in by password
        is_admin INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        deactivated_at INTEGER   -- NULL: active. The name is never free again.
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE device (
        user_id TEXT NOT NULL,
        device_id TEXT NOT NULL,
        display_name TEXT,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (user_id, device_id)
      ) STRICT, WITHOUT ROWID;

      -- No token is stored, only its SHA-256: whoever reads the database cannot act as anybody.
      CREATE TABLE access_token (
        token_hash TEXT PRIMARY KEY,
        user_id TEXT NOT NULL,
        device_id TEXT NOT NULL,
        created_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX access_token_device ON access_token (user_id, device_id);
    `,
  },
];

import type { JsonObject, JsonValue, UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import type { Database, Migration } from '@matrix-futures/sqlite';
import { parseStored } from '../account-data/stored-json.ts';

/** Append only. */
export const profileMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE profile (
        user_id TEXT NOT NULL,
        field TEXT NOT NULL, -- displayname, avatar_url, or a namespaced name
        value TEXT NOT NULL, -- JSON
        PRIMARY KEY (user_id, field)
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

/** What users show of themselves (client-server API, "Profiles"). Synchronous. */
export interface ProfileStore {
  /** every field that is set */
  of(user: UserId): JsonObject;
  /** Inside a unit; null clears the field. @throws MatrixError 400 `M_PROFILE_TOO_LARGE` beyond 64 KiB in all */
  set(user: UserId, field: string, value: JsonValue): void;
}

/** The specification's limit for a profile as a whole, in bytes. */
const maxBytes = 64 * 1024;

export function openProfileStore(database: Database): ProfileStore {
  const all = database.prepare<[UserId], { profile: string }>(
    'SELECT json_group_object(field, json(value)) AS profile FROM profile WHERE user_id = ?',
  );
  const put = database.prepare<[UserId, string, string], never>(
    'INSERT INTO profile (user_id, field, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  );
  const remove = database.prepare<[UserId, string], never>(
    'DELETE FROM profile WHERE user_id = ? AND field = ?',
  );

  const of = (user: UserId): JsonObject => parseStored(all.get(user)?.profile ?? '{}');

  return {
    of,
    set(user, field, value) {
      if (value === null) {
        remove.run(user, field);
        return;
      }
      const next = JSON.stringify({ ...of(user), [field]: value });
      if (Buffer.byteLength(next) > maxBytes) {
        throw new MatrixError(
          { status: 400, errcode: 'M_PROFILE_TOO_LARGE' },
          'A profile has at most 64 KiB',
        );
      }
      put.run(user, field, JSON.stringify(value));
    },
  };
}

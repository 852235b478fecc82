import type { Database } from '@matrix-futures/sqlite';
import { accountMigrations } from './accounts.ts';
import { roomMigrations } from './rooms.ts';
import { streamMigrations } from './stream.ts';

/** Brings the tables of streams, rooms and accounts up to date. Run before anything prepares a statement. */
export function migrate(database: Database): void {
  database.migrate('homeserver-stream', streamMigrations);
  database.migrate('homeserver-rooms', roomMigrations);
  database.migrate('homeserver-accounts', accountMigrations);
}

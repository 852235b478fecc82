import type { DatabaseSync } from 'node:sqlite';

/** One step of a component's schema. Append-only: what was released is never changed, a later step corrects it. */
export interface Migration {
  /** 1, 2, 3 … without gaps */
  readonly version: number;
  readonly sql: string;
}

/** The database was written by a later release than this one. */
export class SchemaTooNew extends Error {
  override readonly name = 'SchemaTooNew';
}

/**
 * Brings the tables of `component` to the last of `migrations`, in one transaction.
 * @throws SchemaTooNew when the database has been migrated further than `migrations` go
 */
export function migrate(connection: DatabaseSync, component: string, migrations: readonly Migration[]): void {
  migrations.forEach(({ version }, index) => {
    if (version !== index + 1)
      throw new Error(`migration ${index + 1} of ${component} is numbered ${version}`);
  });
  connection.exec('BEGIN IMMEDIATE');
  try {
    connection.exec(
      'CREATE TABLE IF NOT EXISTS migrations (component TEXT, version INTEGER, PRIMARY KEY (component, version)) STRICT, WITHOUT ROWID',
    );
    const applied = appliedVersion(connection, component);
    if (applied > migrations.length) {
      throw new SchemaTooNew(
        `The database has version ${applied} of the "${component}" tables, this release knows them up to version ` +
          `${migrations.length}: it was last used by a newer release. Start that release, or restore an older backup.`,
      );
    }
    const record = connection.prepare('INSERT INTO migrations (component, version) VALUES (?, ?)');
    for (const { version, sql } of migrations.slice(applied)) {
      connection.exec(sql);
      record.run(component, version);
    }
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

function appliedVersion(connection: DatabaseSync, component: string): number {
  const row = connection
    .prepare('SELECT max(version) AS version FROM migrations WHERE component = ?')
    .get(component);
  return Number(row?.['version'] ?? 0);
}

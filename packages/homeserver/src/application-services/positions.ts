import type { Database, Migration } from '@matrix-futures/sqlite';

/** How far each application service has been told. Append only. */
const serviceMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE application_service (
        id TEXT PRIMARY KEY,
        position INTEGER NOT NULL -- of the last event that it has taken, or that is none of its business
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

/** Writes are for inside a unit. */
export interface ServicePositions {
  /** undefined: a service that is new here */
  of(id: string): number | undefined;
  set(id: string, position: number): void;
}

export function openServicePositions(database: Database): ServicePositions {
  database.migrate('homeserver-application-services', serviceMigrations);
  const find = database.prepare<[string], { position: number }>(
    'SELECT position FROM application_service WHERE id = ?',
  );
  const set = database.prepare<[string, number], never>(
    'INSERT OR REPLACE INTO application_service (id, position) VALUES (?, ?)',
  );
  return {
    of: (id) => find.get(id)?.position,
    set: (id, position) => void set.run(id, position),
  };
}

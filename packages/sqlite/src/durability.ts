/**
 * What every connection to the database needs, so that what was committed outlives a loss of power: in WAL mode only
 * FULL syncs the log at every commit. On macOS `fsync` does not reach the platter, `fullfsync` does.
 */
export const durability = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA wal_autocheckpoint = 0;
`;

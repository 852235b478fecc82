/** Primary result codes of SQLite that speak about the statement and not about the storage (sqlite.org/rescode.html). */
const statementCodes = new Set([
  1, // SQLITE_ERROR: wrong SQL
  18, // SQLITE_TOOBIG
  19, // SQLITE_CONSTRAINT
  20, // SQLITE_MISMATCH
  21, // SQLITE_MISUSE
  25, // SQLITE_RANGE
]);

/**
 * Did the storage itself fail (disk full, input or output error, no memory, corruption, locked by somebody else)?
 * After such an error SQLite may have rolled back the whole transaction, so the turn cannot go on.
 */
export function isStorageError(error: unknown): boolean {
  const code = resultCode(error);
  return code !== null && !statementCodes.has(code & 0xff);
}

/** The extended result code of SQLite; null: not an error of SQLite. */
export function resultCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode
    : null;
}

/**
 * The turn's transaction: all units of work that run in one turn of the event loop share one SQLite transaction, and
 * their promises resolve after its commit. Shared by everything that writes to the one database.
 */
export interface Turn {
  /**
   * Runs `work` at once and synchronously, inside the turn's transaction, in a savepoint of its own: what it throws
   * undoes its own writes only, and rejects the promise. Nested units are savepoints of the outer one. The promise
   * resolves with what `work` returned, after the commit; it rejects with `TurnLost` when the transaction as a whole
   * could not be committed.
   */
  unit<R>(work: () => R): Promise<R>;
  /** Inside a unit: `effect` runs after the commit, in order; it is dropped when the unit or the turn is undone. */
  onCommit(effect: () => void): void;
  /** `rebuild` runs whenever a turn was lost: read back from disk whatever memory was derived from it. */
  onLost(rebuild: () => void): void;
}

/** Nothing of this turn was stored, and no answer of it may say otherwise. */
export class TurnLost extends Error {
  override readonly name = 'TurnLost';
}

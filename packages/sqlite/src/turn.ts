/**
 * The turn's transaction: all units of work that run in one turn of the event loop share one SQLite transaction, and
 * their promises settle after its commit. Shared by everything that writes to the one database.
 *
 * A unit is synchronous: parse, hash and authenticate before it, await nothing inside it. With two asynchronous
 * handlers on savepoints, the rollback of one erased what the other had written.
 */
export interface Turn {
  /**
   * Runs `work` at once and synchronously, inside the turn's transaction: what it throws undoes its own writes only,
   * and rejects the promise. Nested units are undone with the outer one, and then reject with its error. The promise
   * settles after the commit (an error, too, may rest on what is not yet stored); it rejects with `TurnLost` when
   * the transaction as a whole could not be committed.
   *
   * A rejection that the outer unit's promise reports as well counts as handled; one that a nested unit's own work
   * threw does not.
   * @param lost what the caller says instead of `TurnLost`
   */
  unit<R>(work: () => R, lost?: (error: TurnLost) => Error): Promise<R>;
  /** Inside a unit: `effect` runs after the commit, in order; it is dropped when the unit or the turn is undone. */
  onCommit(effect: () => void): void;
  /**
   * Inside a unit: `effect` runs when the unit, one around it, or the whole turn is undone; the latest first. It puts
   * memory back to where it was, so it is registered before memory changes, and must not throw or use the database.
   */
  onUndo(effect: () => void): void;
  /** `flush` runs inside the transaction before every commit: for what is gathered over a turn and written at once. */
  beforeCommit(flush: () => void): void;
  /**
   * `flush` runs as `beforeCommit` does, behind those, but only in a turn that stores something: for what goes along
   * with every change. A turn that only reads stays one that a full disk cannot stop.
   */
  withChanges(flush: () => void): void;
  /**
   * `rebuild` runs whenever a turn was lost, after the undo effects: for memory derived from the database that does
   * not use `onUndo`.
   */
  onLost(rebuild: () => void): void;
}

/** Nothing of this turn was stored, and no answer of it may say otherwise. Its cause is what the storage reported. */
export class TurnLost extends Error {
  override readonly name = 'TurnLost';
}

import type { Future, FutureId, Group } from '@matrix-futures/engine';

/** A group as it was read, with what only the tables know of it. */
export interface StoredGroup {
  readonly group: Group;
  /** number of its owner */
  readonly owner: number;
  readonly members: ReadonlyMap<FutureId, Member>;
}

export interface Member {
  readonly future: Future;
  /** number of its state key; 0: a message, or finished */
  readonly stateKey: number;
  readonly contentBytes: number;
  /** false: it has left its owner's list */
  readonly listed: boolean;
}

import type { FutureId, GroupId } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';

/** Numbers that count up and are never given again. One that was given out in vain is not given again either. */
export class Ids {
  #future: FutureId;
  #group: GroupId;

  constructor(database: Database) {
    const last = database.prepare<[string], { seq: number }>(
      'SELECT seq FROM sqlite_sequence WHERE name = ?',
    );
    this.#future = last.get('futures')?.seq ?? 0;
    this.#group = last.get('groups')?.seq ?? 0;
  }

  nextFuture(): FutureId {
    this.#future += 1;
    return this.#future;
  }

  nextGroup(): GroupId {
    this.#group += 1;
    return this.#group;
  }
}

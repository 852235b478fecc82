import { deadByState } from '@matrix-futures/engine';
import type { Filter, Future, FutureId, Page } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import type { GroupReader } from './group-reader.ts';
import type { Owners } from './owners.ts';
import type { StateKeys } from './state-keys.ts';
import type { StoredGroup } from './stored-group.ts';

const PAGE = 100;

/** The owners' lists, a page at a time. */
export class Lists {
  readonly #reader: GroupReader;
  readonly #owners: Owners;
  readonly #stateKeys: StateKeys;
  readonly #running;
  readonly #finished;

  constructor(database: Database, reader: GroupReader, owners: Owners, stateKeys: StateKeys) {
    this.#reader = reader;
    this.#owners = owners;
    this.#stateKeys = stateKeys;
    this.#running = database.prepare<[number, number, number], Place>(
      'SELECT id AS place, id FROM futures WHERE owner = ? AND listed = 0 AND id > ? ORDER BY id LIMIT ?',
    );
    this.#finished = database.prepare<[number, number, number], Place>(
      `SELECT listed AS place, id FROM futures WHERE owner = ? AND listed > 0 AND listed < ?
         ORDER BY listed DESC LIMIT ?`,
    );
  }

  page(owner: number, filter: Filter, page: string | null): Page {
    const running = filter === 'running';
    const statement = running ? this.#running : this.#finished;
    const from = page === null ? null : Number(page);
    const places = statement.all(owner, from ?? (running ? 0 : Number.MAX_SAFE_INTEGER), PAGE);
    const futures = this.#entries(places.map(({ id }) => id));
    return {
      futures: running ? futures.filter(({ future }) => this.#alive(future, owner)) : futures,
      next: places.length < PAGE ? null : String(places.at(-1)?.place),
    };
  }

  #entries(ids: readonly FutureId[]): Page['futures'] {
    const groups = new Map<FutureId, StoredGroup>();
    return ids.flatMap((id) => {
      const stored = groups.get(id) ?? this.#reader.byFuture(id);
      const future = stored?.members.get(id)?.future;
      if (!stored || !future) return [];
      for (const member of stored.members.keys()) groups.set(member, stored);
      return [{ future, groupName: stored.group.name }];
    });
  }

  #alive(future: Future, owner: number): boolean {
    if (future.status !== 'scheduled' || !this.#owners.active(owner)) return false;
    return !deadByState(future, (key) => this.#stateKeys.markOf(key));
  }
}

/** Where a future stands in a list. */
interface Place {
  readonly place: number;
  readonly id: FutureId;
}

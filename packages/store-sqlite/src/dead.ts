import { deadByState } from '@matrix-futures/engine';
import type { Future, FutureId, GroupId } from '@matrix-futures/engine';
import type { Database, Turn } from '@matrix-futures/sqlite';
import type { GroupReader } from './group-reader.ts';
import type { StateKeys } from './state-keys.ts';
import type { StoredGroup } from './stored-group.ts';

/** Among the futures of one key, or of one owner: where the search goes on. */
interface Search {
  readonly after: { readonly owner: number; readonly id: FutureId };
  next(after: Search['after'], limit: number): readonly Candidate[];
  /** Worth reading its group. */
  mayBeDead(candidate: Candidate): boolean;
  isDead(future: Future): boolean;
}

interface Candidate {
  readonly id: FutureId;
  readonly owner: number;
  readonly group_id: GroupId;
  readonly state_order: number;
}

const fromTheBeginning = { owner: 0, id: 0 };

/**
 * Finds what new state and deactivations killed, a few rows at a time. Which keys and owners are still to be searched
 * is kept in memory only; a start searches all keys with marks and all inactive owners anew.
 */
export class Dead {
  readonly #turn: Turn;
  readonly #reader: GroupReader;
  readonly #stateKeys: StateKeys;
  readonly #searches = new Map<string, Search>();
  readonly #onKey;
  readonly #ofOwner;

  constructor(database: Database, reader: GroupReader, stateKeys: StateKeys) {
    this.#turn = database.turn;
    this.#reader = reader;
    this.#stateKeys = stateKeys;
    this.#onKey = database.prepare<[number, number, FutureId, number], Candidate>(
      `SELECT id, owner, group_id, state_order FROM futures
         WHERE state_key = ? AND (owner, id) > (?, ?) ORDER BY owner, id LIMIT ?`,
    );
    this.#ofOwner = database.prepare<[number, FutureId, number], Candidate>(
      `SELECT id, owner, group_id, state_order FROM futures
         WHERE owner = ? AND listed = 0 AND id > ? ORDER BY id LIMIT ?`,
    );
  }

  /** State arrived for this key: search it, from the beginning. */
  searchKey(stateKey: number): void {
    this.#searches.set(`key ${stateKey}`, {
      after: fromTheBeginning,
      next: ({ owner, id }, limit) => this.#onKey.all(stateKey, owner, id, limit),
      mayBeDead: ({ state_order: madeAfter }) => madeAfter < this.#stateKeys.lastArrival(stateKey),
      isDead: (future) => deadByState(future, (key) => this.#stateKeys.markOf(key)),
    });
  }

  /** This owner was deactivated. */
  searchOwner(owner: number): void {
    this.#searches.set(`owner ${owner}`, {
      after: fromTheBeginning,
      next: ({ id }, limit) => this.#ofOwner.all(owner, id, limit),
      mayBeDead: () => true,
      isDead: () => true,
    });
  }

  /**
   * Calls `bury` for groups with a dead future, each once. Answers how many rows it dealt with: the futures it looked
   * at, and all those of groups it buried. No more than `limit`, but for the last group.
   */
  search(limit: number, bury: (group: StoredGroup) => void): number {
    const buried = new Set<GroupId>();
    let rows = 0;
    for (const [name, search] of this.#searches) {
      if (rows >= limit) break;
      const candidates = search.next(search.after, limit - rows);
      let last = search.after;
      for (const candidate of candidates) {
        if (rows >= limit) break;
        last = candidate;
        rows += 1;
        if (buried.has(candidate.group_id) || !search.mayBeDead(candidate)) continue;
        const group = this.#reader.byId(candidate.group_id);
        const future = group?.members.get(candidate.id)?.future;
        if (!group || future?.status !== 'scheduled' || !search.isDead(future)) continue;
        buried.add(candidate.group_id);
        bury(group);
        rows += group.members.size - 1;
      }
      this.#turn.onUndo(() => this.#searches.set(name, search));
      if (rows < limit) this.#searches.delete(name);
      else this.#searches.set(name, { ...search, after: { owner: last.owner, id: last.id } });
    }
    return Math.min(rows, limit);
  }
}

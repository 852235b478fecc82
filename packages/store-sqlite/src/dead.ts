import { deadByState } from '@matrix-futures/engine';
import type { FutureId, GroupId } from '@matrix-futures/engine';
import type { Database, Turn } from '@matrix-futures/sqlite';
import type { GroupReader } from './group-reader.ts';
import type { StateKeys } from './state-keys.ts';
import type { StoredGroup } from './stored-group.ts';

/** How far the search for dead futures of a key, or an owner, has come. */
interface Cursor {
  readonly owner: number;
  readonly future: FutureId;
}

const begin: Cursor = { owner: 0, future: 0 };

/**
 * Finds what new state and deactivations killed, a few rows at a time: which keys and owners are still to be searched,
 * and how far. Kept in memory only; a start searches all keys with marks and all inactive owners anew.
 */
export class Dead {
  readonly #turn: Turn;
  readonly #reader: GroupReader;
  readonly #stateKeys: StateKeys;
  readonly #keys = new Map<number, Cursor>();
  readonly #owners = new Map<number, Cursor>();
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
    this.#keys.set(stateKey, begin);
  }

  /** This owner was deactivated. */
  searchOwner(owner: number): void {
    this.#owners.set(owner, begin);
  }

  /**
   * Looks at no more than `limit` futures and calls `bury` for each group in which one is dead, once. Answers at how
   * many it looked.
   */
  search(limit: number, bury: (group: StoredGroup) => void): number {
    const buried = new Set<GroupId>();
    const step = (candidate: Candidate, isDead: (group: StoredGroup) => boolean) => {
      if (buried.has(candidate.group_id)) return;
      const group = this.#reader.byId(candidate.group_id);
      if (group === null || !isDead(group)) return;
      buried.add(candidate.group_id);
      bury(group);
    };
    let looks = 0;
    for (const [key, { owner, future }] of this.#keys) {
      if (looks >= limit) return looks;
      const candidates = this.#onKey.all(key, owner, future, limit - looks);
      this.#moveOn(this.#keys, key, candidates, limit - looks);
      looks += candidates.length;
      for (const candidate of candidates) {
        if (candidate.state_order < this.#stateKeys.lastArrival(key))
          step(candidate, (group) => this.#diedByState(group, candidate.id));
      }
    }
    for (const [owner, { future }] of this.#owners) {
      if (looks >= limit) return looks;
      const candidates = this.#ofOwner.all(owner, future, limit - looks);
      this.#moveOn(this.#owners, owner, candidates, limit - looks);
      looks += candidates.length;
      for (const candidate of candidates)
        step(candidate, ({ members }) => members.get(candidate.id)?.future.status === 'scheduled');
    }
    return looks;
  }

  #moveOn(cursors: Map<number, Cursor>, number: number, found: readonly Candidate[], asked: number): void {
    const before = cursors.get(number) ?? begin;
    this.#turn.onUndo(() => cursors.set(number, before));
    const last = found.at(-1);
    if (last === undefined || found.length < asked) cursors.delete(number);
    else cursors.set(number, { owner: last.owner, future: last.id });
  }

  #diedByState({ members }: StoredGroup, id: FutureId): boolean {
    const future = members.get(id)?.future;
    return future?.status === 'scheduled' && deadByState(future, (key) => this.#stateKeys.markOf(key));
  }
}

interface Candidate {
  readonly id: FutureId;
  readonly owner: number;
  readonly group_id: GroupId;
  readonly state_order: number;
}

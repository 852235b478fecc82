import type { FutureId, GroupId, Instant, Retention } from '@matrix-futures/engine';
import type { Database, Turn } from '@matrix-futures/sqlite';
import type { GroupReader } from './group-reader.ts';
import type { GroupWriter } from './group-writer.ts';
import type { Transactions } from './transactions.ts';

/** A content longer than this goes when its future leaves the list; shorter ones stay until the future goes. */
const SMALL_CONTENT = 1_024;

/**
 * Removes what was kept long enough, a few rows at a time:
 *
 * ```
 * finished ──▶ in its owner's list ──▶ known (found by id, its group's name used up) ──▶ gone
 *                 `listed`, at most       without a large content                 `tombstones` after the group ended
 *                 `listedPerOwner`
 * ```
 */
export class Old {
  readonly #turn: Turn;
  readonly #retention: Retention;
  readonly #reader: GroupReader;
  readonly #writer: GroupWriter;
  readonly #transactions: Transactions;
  /** Owners whose lists may have become too long. */
  readonly #longer = new Set<number>();
  /** At start every owner's list is looked at once, up to this number so far; null: done. */
  #lookedAt: number | null = 0;
  readonly #nextOwners;
  readonly #overlong;
  readonly #oldest;
  readonly #leaveList;
  readonly #emptyDraft;
  readonly #ended;

  constructor(
    database: Database,
    retention: Retention,
    reader: GroupReader,
    writer: GroupWriter,
    transactions: Transactions,
  ) {
    this.#turn = database.turn;
    this.#retention = retention;
    this.#reader = reader;
    this.#writer = writer;
    this.#transactions = transactions;
    this.#nextOwners = database.prepare<[number, number], { id: number }>(
      'SELECT id FROM owners WHERE id > ? ORDER BY id LIMIT ?',
    );
    this.#overlong = database.prepare<[number, number, number], { id: FutureId }>(
      'SELECT id FROM futures WHERE owner = ? AND listed > 0 ORDER BY listed DESC LIMIT ? OFFSET ?',
    );
    this.#oldest = database.prepare<[number], { id: FutureId; at: Instant }>(
      'SELECT id, outcome_at AS at FROM futures WHERE listed > 0 ORDER BY listed LIMIT ?',
    );
    this.#leaveList = database.prepare<[FutureId], never>('UPDATE futures SET listed = NULL WHERE id = ?');
    this.#emptyDraft = database.prepare<[FutureId, number], never>(
      "UPDATE drafts SET content = '{}' WHERE future = ? AND length(content) > ?",
    );
    this.#ended = database.prepare<[Instant, number], { id: GroupId }>(
      'SELECT id FROM groups WHERE ended_at <= ? ORDER BY ended_at LIMIT ?',
    );
  }

  /** Something of this owner finished. */
  finished(owner: number): void {
    this.#longer.add(owner);
  }

  /** At most `limit` rows. Answers how many it removed or looked at. */
  remove(now: Instant, limit: number): number {
    const { listed, tombstones } = this.#retention;
    let rows = this.#shortenLists(limit);
    rows += this.#emptyLists(now - listed, limit - rows);
    // A group stays at least as long as its outcomes are listed.
    rows += this.#removeGroups(now - Math.max(listed, tombstones), limit - rows);
    return rows + this.#transactions.forget(now - tombstones, limit - rows);
  }

  #shortenLists(limit: number): number {
    let rows = this.#lookAtOwners(limit);
    for (const owner of this.#longer) {
      if (rows >= limit) return rows;
      const beyond = this.#overlong.all(owner, limit - rows, this.#retention.listedPerOwner);
      for (const { id } of beyond) this.#unlist(id);
      // An owner whose list is short enough costs a look, too.
      rows += Math.max(1, beyond.length);
      if (beyond.length > 0 && rows >= limit) return rows;
      this.#turn.onUndo(() => this.#longer.add(owner));
      this.#longer.delete(owner);
    }
    return rows;
  }

  #lookAtOwners(limit: number): number {
    const from = this.#lookedAt;
    if (from === null) return 0;
    const owners = this.#nextOwners.all(from, limit);
    this.#turn.onUndo(() => {
      this.#lookedAt = from;
    });
    this.#lookedAt = owners.length < limit ? null : (owners.at(-1)?.id ?? null);
    for (const { id } of owners) this.#longer.add(id);
    return owners.length;
  }

  #emptyLists(until: Instant, limit: number): number {
    if (limit <= 0) return 0;
    // They finished in order of time, so the first that is too young ends it.
    const oldest = this.#oldest.all(limit);
    const young = oldest.findIndex(({ at }) => at > until);
    const expired = young < 0 ? oldest : oldest.slice(0, young);
    for (const { id } of expired) this.#unlist(id);
    return expired.length;
  }

  #unlist(future: FutureId): void {
    this.#leaveList.run(future);
    this.#emptyDraft.run(future, SMALL_CONTENT);
  }

  /** With all their futures. No more than `limit` rows, but for the last group. */
  #removeGroups(until: Instant, limit: number): number {
    let rows = 0;
    for (const { id } of limit <= 0 ? [] : this.#ended.all(until, limit)) {
      if (rows >= limit) break;
      const stored = this.#reader.byId(id);
      this.#writer.remove(stored);
      rows += 1 + (stored?.members.size ?? 0);
    }
    return Math.min(rows, limit);
  }
}

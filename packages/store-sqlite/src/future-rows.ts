import { stateKeyOf } from '@matrix-futures/engine';
import type { EventId, Fence, Future, FutureId, GroupId, Instant, Ms, Outcome } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import type { Journal } from './journal.ts';
import type { Owners } from './owners.ts';
import type { StateKeys } from './state-keys.ts';
import type { Member } from './stored-group.ts';
import type { Timers } from './timers.ts';
import { cancelReasons, codeOf, fences, generations, outcomes, statuses } from './words.ts';

/** The group that a future belongs to. */
export interface Home {
  readonly group: GroupId;
  /** number of its owner */
  readonly owner: number;
  /** timers run in open groups only */
  readonly open: boolean;
}

type Ending = Omit<Member, 'listed'>;

/** Writes single futures, and what memory knows of them: timers, usage, state keys. */
export class FutureRows {
  readonly #timers: Timers;
  readonly #owners: Owners;
  readonly #stateKeys: StateKeys;
  readonly #journal: Journal;
  readonly #insert;
  readonly #update;
  readonly #finish;
  readonly #remove;
  readonly #putDraft;
  readonly #removeDraft;
  /** the number of the last outcome in any list */
  #lastListed: number;

  constructor(database: Database, timers: Timers, owners: Owners, stateKeys: StateKeys, journal: Journal) {
    this.#timers = timers;
    this.#owners = owners;
    this.#stateKeys = stateKeys;
    this.#journal = journal;
    this.#insert = database.prepare<[...Fixed, ...Variable, ...Pending], never>(
      `INSERT INTO futures (id, group_id, owner, generation, timeout, nonce_high, nonce_low, status, deadline, since,
         state_order, state_key, content_bytes, listed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
    );
    this.#update = database.prepare<[...Variable, number, FutureId], never>(
      `UPDATE futures SET nonce_high = ?, nonce_low = ?, status = ?, deadline = ?, since = ?, state_order = ?,
         content_bytes = ? WHERE id = ?`,
    );
    this.#finish = database.prepare<[...Variable, number, number, Instant, string, FutureId], never>(
      `UPDATE futures SET nonce_high = ?, nonce_low = ?, status = ?, deadline = ?, since = ?, state_order = ?,
         state_key = NULL, listed = ?, outcome = ?, outcome_at = ?, outcome_detail = ? WHERE id = ?`,
    );
    this.#remove = database.prepare<[FutureId], never>('DELETE FROM futures WHERE id = ?');
    this.#putDraft = database.prepare<
      [
        FutureId,
        string,
        string,
        string,
        string | null,
        string,
        string,
        string | null,
        string | null,
        number,
        EventId | null,
      ],
      never
    >(
      `INSERT OR REPLACE INTO drafts (future, room, sender, type, state_key, content, extras, action, heartbeat, fence,
         fence_event) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#removeDraft = database.prepare<[FutureId], never>('DELETE FROM drafts WHERE future = ?');
    const last = database.prepare<[], { listed: number | null }>(
      'SELECT max(listed) AS listed FROM futures WHERE listed > 0',
    );
    this.#lastListed = last.get()?.listed ?? 0;
  }

  /** @param journal sequence of the journal row with its last entry; 0: there is none */
  insert(home: Home, future: Future, journal = 0): void {
    const key = stateKeyOf(future.draft);
    const stateKey = key === null ? 0 : this.#stateKeys.use(key);
    const contentBytes = this.#writeDraft(future);
    this.#insert.run(
      ...fixedOf(home, future),
      ...variableOf(future),
      stateKey === 0 ? null : stateKey,
      contentBytes,
    );
    this.#owners.count(home.owner, 1, contentBytes);
    this.#setTimer(home, future, stateKey, journal);
    if (future.outcome !== null) this.#end(home, { future, stateKey, contentBytes }, future.outcome);
  }

  update(home: Home, before: Member, future: Future): void {
    if (before.future.outcome !== null || isOtherFuture(before.future, future)) {
      this.remove(home, before);
      this.#journal.append(future.id, NaN);
      this.insert(home, future, this.#journal.sequence);
      return;
    }
    const contentBytes = isOtherDraft(before.future, future) ? this.#writeDraft(future) : before.contentBytes;
    if (contentBytes !== before.contentBytes)
      this.#owners.count(home.owner, 0, contentBytes - before.contentBytes);
    const { stateKey } = before;
    if (future.outcome !== null) {
      this.#end(home, { future, stateKey, contentBytes }, future.outcome);
      return;
    }
    this.#update.run(...variableOf(future), contentBytes, future.id);
    // The journal is replayed over the rows at start: say in it that this row is later than its entries.
    const inJournal = this.#timers.read(future.id)?.journal !== 0;
    if (inJournal) this.#journal.append(future.id, NaN);
    this.#setTimer(home, future, stateKey, inJournal ? this.#journal.sequence : 0);
  }

  remove(home: Home, member: Member): void {
    if (member.future.outcome === null) this.#forget(home, member);
    this.#removeDraft.run(member.future.id);
    this.#remove.run(member.future.id);
  }

  /** A group was claimed, or opened again: its timers stop, or run again. */
  freeze(future: Future, frozen: boolean): void {
    const timer = this.#timers.read(future.id);
    if (timer !== null && timer.frozen !== frozen) this.#timers.put({ ...timer, frozen });
  }

  /** Pending no longer: it goes from memory, and into its owner's list. */
  #end(home: Home, member: Ending, outcome: Outcome): void {
    const { future } = member;
    this.#lastListed += 1;
    const kind = codeOf(outcomes, outcome.kind);
    this.#finish.run(...variableOf(future), this.#lastListed, kind, outcome.at, detailOf(outcome), future.id);
    this.#forget(home, member);
  }

  #forget(home: Home, { future, stateKey, contentBytes }: Ending): void {
    const key = stateKeyOf(future.draft);
    if (key !== null) this.#stateKeys.release(stateKey, key);
    this.#owners.count(home.owner, -1, -contentBytes);
    this.#timers.remove(future.id);
  }

  /** Answers the size of the content. */
  #writeDraft({ id, draft, action, heartbeat, fence }: Future): number {
    const content = JSON.stringify(draft.content);
    const extras = JSON.stringify(draft.extras);
    const { room, sender, type, stateKey } = draft;
    const kind = codeOf(fences, fence.kind);
    const event = eventOf(fence);
    this.#putDraft.run(id, room, sender, type, stateKey, content, extras, action, heartbeat, kind, event);
    return Buffer.byteLength(content);
  }

  #setTimer(home: Home, future: Future, stateKey: number, journal: number): void {
    if (future.status !== 'scheduled' || future.deadline === null) {
      this.#timers.remove(future.id);
      return;
    }
    this.#timers.put({
      id: future.id,
      nonceHigh: future.nonce.high,
      nonceLow: future.nonce.low,
      generation: codeOf(generations, future.generation),
      timeout: future.timeout ?? NaN,
      deadline: future.deadline,
      since: future.since,
      owner: home.owner,
      stateKey,
      aliveUpTo: future.stateOrder,
      frozen: !home.open,
      journal,
    });
  }
}

type Fixed = [FutureId, GroupId, owner: number, generation: number, timeout: Ms | null];
type Variable = [
  nonceHigh: number,
  nonceLow: number,
  status: number,
  deadline: Instant | null,
  since: Instant,
  stateOrder: number,
];
type Pending = [stateKey: number | null, contentBytes: number];

function fixedOf({ group, owner }: Home, { id, generation, timeout }: Future): Fixed {
  return [id, group, owner, codeOf(generations, generation), timeout];
}

function variableOf({ nonce, status, deadline, since, stateOrder }: Future): Variable {
  return [nonce.high, nonce.low, codeOf(statuses, status), deadline, since, stateOrder];
}

/** Other in parts that no rule ever changes, or finished before: its row is written anew. */
function isOtherFuture(before: Future, after: Future): boolean {
  const from = stateKeyOf(before.draft);
  const to = stateKeyOf(after.draft);
  const sameKey = from?.room === to?.room && from?.type === to?.type && from?.key === to?.key;
  return !sameKey || before.generation !== after.generation || before.timeout !== after.timeout;
}

function isOtherDraft(before: Future, after: Future): boolean {
  return (
    before.draft !== after.draft ||
    before.fence !== after.fence ||
    before.action !== after.action ||
    before.heartbeat !== after.heartbeat
  );
}

function eventOf(fence: Fence): EventId | null {
  return fence.kind === 'event' ? fence.event : null;
}

function detailOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'sent':
      return outcome.event;
    case 'failed':
      return JSON.stringify(outcome.error);
    case 'cancelled':
      return String(codeOf(cancelReasons, outcome.reason));
  }
}

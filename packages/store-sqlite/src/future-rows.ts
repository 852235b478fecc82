import { stateKeyOf } from '@matrix-futures/engine';
import type {
  Draft,
  EventId,
  Fence,
  Future,
  FutureId,
  GroupId,
  Instant,
  Ms,
  Outcome,
} from '@matrix-futures/engine';
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

/** Writes single futures, and what memory knows of them: timers, usage, state keys. */
export class FutureRows {
  readonly #timers: Timers;
  readonly #owners: Owners;
  readonly #stateKeys: StateKeys;
  readonly #journal: Journal;
  readonly #insertPending;
  readonly #updatePending;
  readonly #removePending;
  readonly #putDraft;
  readonly #removeDraft;
  readonly #insertFinished;
  readonly #removeFinished;
  readonly #list;
  readonly #unlist;

  constructor(database: Database, timers: Timers, owners: Owners, stateKeys: StateKeys, journal: Journal) {
    this.#timers = timers;
    this.#owners = owners;
    this.#stateKeys = stateKeys;
    this.#journal = journal;
    this.#insertPending = database.prepare<[...Identity, owner: number, ...Pending], never>(
      `INSERT INTO futures (id, group_id, nonce_high, nonce_low, generation, timeout, deadline, since, state_order,
         owner, status, state_key, content_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#updatePending = database.prepare<[...Pending, ...Clock, number, number, FutureId], never>(
      `UPDATE futures SET status = ?, state_key = ?, content_bytes = ?, deadline = ?, since = ?, state_order = ?,
         nonce_high = ?, nonce_low = ? WHERE id = ?`,
    );
    this.#removePending = database.prepare<[FutureId], never>('DELETE FROM futures WHERE id = ?');
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
        number,
        EventId | null,
      ],
      never
    >(
      `INSERT OR REPLACE INTO drafts (future, room, sender, type, state_key, content, extras, action, fence, fence_event)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#removeDraft = database.prepare<[FutureId], never>('DELETE FROM drafts WHERE future = ?');
    this.#insertFinished = database.prepare<[...Identity, number, Instant, string, listed: number], never>(
      `INSERT INTO finished (id, group_id, nonce_high, nonce_low, generation, timeout, deadline, since, state_order,
         outcome, outcome_at, outcome_detail, listed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#removeFinished = database.prepare<[FutureId], never>('DELETE FROM finished WHERE id = ?');
    this.#list = database.prepare<[number, FutureId, Instant], never>(
      'INSERT INTO listed (owner, future, at) VALUES (?, ?, ?)',
    );
    this.#unlist = database.prepare<[number], never>('DELETE FROM listed WHERE number = ?');
  }

  /** @param journal sequence of the journal row with its last entry; 0: there is none */
  insert(home: Home, future: Future, journal = 0): void {
    const contentBytes = Buffer.byteLength(this.#writeDraft(future));
    if (future.outcome === null) this.#startPending(home, future, contentBytes, journal);
    else this.#writeFinished(home, future, future.outcome);
  }

  update(home: Home, before: Member, future: Future): void {
    if (before.future.outcome !== null || isOtherFuture(before.future, future)) {
      this.remove(home, before);
      this.#journal.append(future.id, NaN);
      this.insert(home, future, this.#journal.sequence);
    } else if (future.outcome !== null) {
      if (isOtherDraft(before.future, future)) this.#writeDraft(future);
      this.#endPending(home, before);
      this.#writeFinished(home, future, future.outcome);
    } else {
      this.#updatePendingRow(home, before, future);
    }
  }

  remove(home: Home, { future, stateKey, contentBytes, listed }: Member): void {
    this.#removeDraft.run(future.id);
    if (future.outcome === null) {
      this.#endPending(home, { future, stateKey, contentBytes });
      return;
    }
    this.#removeFinished.run(future.id);
    if (listed !== null) this.#unlist.run(listed);
  }

  /** A group was claimed, or opened again: its timers stop, or run again. */
  freeze(future: Future, frozen: boolean): void {
    const timer = this.#timers.read(future.id);
    if (timer !== null && timer.frozen !== frozen) this.#timers.put({ ...timer, frozen });
  }

  #startPending(home: Home, future: Future, contentBytes: number, journal: number): void {
    const key = stateKeyOf(future.draft);
    const stateKey = key === null ? 0 : this.#stateKeys.use(key);
    const pending = pendingOf(future, stateKey, contentBytes);
    this.#insertPending.run(...identityOf(home, future), home.owner, ...pending);
    this.#owners.count(home.owner, 1, contentBytes);
    this.#setTimer(home, future, stateKey, journal);
  }

  #updatePendingRow(home: Home, before: Member, future: Future): void {
    const otherDraft = isOtherDraft(before.future, future);
    const contentBytes = otherDraft ? Buffer.byteLength(this.#writeDraft(future)) : before.contentBytes;
    const pending = pendingOf(future, before.stateKey, contentBytes);
    const { high, low } = future.nonce;
    this.#updatePending.run(
      ...pending,
      future.deadline,
      future.since,
      future.stateOrder,
      high,
      low,
      future.id,
    );
    if (contentBytes !== before.contentBytes)
      this.#owners.count(home.owner, 0, contentBytes - before.contentBytes);
    // The journal is replayed over the rows at start: say in it that this row is later than its entries.
    const inJournal = this.#timers.read(future.id)?.journal !== 0;
    if (inJournal) this.#journal.append(future.id, NaN);
    this.#setTimer(home, future, before.stateKey, inJournal ? this.#journal.sequence : 0);
  }

  #endPending(home: Home, before: Pick<Member, 'future' | 'stateKey' | 'contentBytes'>): void {
    const key = stateKeyOf(before.future.draft);
    this.#removePending.run(before.future.id);
    this.#owners.count(home.owner, -1, -before.contentBytes);
    if (key !== null) this.#stateKeys.release(before.stateKey, key);
    this.#timers.remove(before.future.id);
  }

  #writeFinished(home: Home, future: Future, outcome: Outcome): void {
    const listed = this.#list.run(home.owner, future.id, outcome.at).lastInsertRowid;
    const kind = codeOf(outcomes, outcome.kind);
    this.#insertFinished.run(...identityOf(home, future), kind, outcome.at, detailOf(outcome), listed);
  }

  /** Answers the content as it is stored. */
  #writeDraft({ id, draft, action, fence }: Future): string {
    const content = JSON.stringify(draft.content);
    const extras = JSON.stringify(draft.extras);
    const { room, sender, type, stateKey } = draft;
    const kind = codeOf(fences, fence.kind);
    this.#putDraft.run(id, room, sender, type, stateKey, content, extras, action, kind, eventOf(fence));
    return content;
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

type Clock = [deadline: Instant | null, since: Instant, stateOrder: number];
type Identity = [
  FutureId,
  GroupId,
  high: number,
  low: number,
  generation: number,
  timeout: Ms | null,
  ...Clock,
];
type Pending = [status: number, stateKey: number | null, contentBytes: number];

function identityOf({ group }: Home, future: Future): Identity {
  const { id, nonce, generation, timeout, deadline, since, stateOrder } = future;
  return [
    id,
    group,
    nonce.high,
    nonce.low,
    codeOf(generations, generation),
    timeout,
    deadline,
    since,
    stateOrder,
  ];
}

function pendingOf({ status }: Future, stateKey: number, contentBytes: number): Pending {
  return [codeOf(statuses, status), stateKey === 0 ? null : stateKey, contentBytes];
}

/** Parts that no rule ever changes: a row with others is written anew. */
function isOtherFuture(before: Future, after: Future): boolean {
  const from = stateKeyOf(before.draft);
  const to = stateKeyOf(after.draft);
  const sameKey = from?.room === to?.room && from?.type === to?.type && from?.key === to?.key;
  return !sameKey || before.generation !== after.generation || before.timeout !== after.timeout;
}

function isOtherDraft(before: Future, after: Future): boolean {
  return before.draft !== after.draft || before.fence !== after.fence || before.action !== after.action;
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

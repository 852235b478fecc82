import type {
  Claim,
  Draft,
  EventId,
  Fence,
  Future,
  FutureId,
  Group,
  GroupId,
  Instant,
  Ms,
  Outcome,
} from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import { fromJson } from './json.ts';
import type { Member, StoredGroup } from './stored-group.ts';
import type { Timers } from './timers.ts';
import { cancelReasons, codeOf, fences, generations, outcomes, phases, statuses, wordOf } from './words.ts';

/** What is read of a future `f` and its draft `d`. */
const columns = `f.*, d.room, d.sender, d.type, d.state_key AS draft_key, d.content, d.extras, d.action, d.heartbeat,
  d.fence, d.fence_event`;

/** A future in its owner's list. */
export interface ListedRow {
  /** after which the next page goes on */
  readonly place: number;
  readonly future: Future;
  readonly groupName: string;
}

/** Reads groups whole, and lists of futures, with the deadlines that memory knows. */
export class GroupReader {
  readonly #timers: Timers;
  readonly #groups;
  readonly #futures;
  readonly #running;
  readonly #finished;
  readonly #sentAs;
  readonly #byName;
  readonly #ofFuture;
  readonly #underWay;

  constructor(database: Database, timers: Timers) {
    this.#timers = timers;
    this.#groups = database.prepare<[GroupId], GroupRow>(
      'SELECT g.*, o.name AS owner_name FROM groups g JOIN owners o ON o.id = g.owner WHERE g.id = ?',
    );
    this.#futures = database.prepare<[GroupId], FutureRow>(
      `SELECT ${columns} FROM futures f JOIN drafts d ON d.future = f.id WHERE f.group_id = ? ORDER BY f.id`,
    );
    const listed = `SELECT ${columns}, g.name AS group_name FROM futures f JOIN drafts d ON d.future = f.id
      JOIN groups g ON g.id = f.group_id WHERE f.owner = ?`;
    this.#running = database.prepare<[number, number, number], FutureRow & InGroup>(
      `${listed} AND f.listed = 0 AND f.id > ? ORDER BY f.id LIMIT ?`,
    );
    this.#finished = database.prepare<[number, number, number], FutureRow & InGroup>(
      `${listed} AND f.listed > 0 AND f.listed < ? ORDER BY f.listed DESC LIMIT ?`,
    );
    this.#sentAs = database.prepare<[number, number, string], FutureRow>(
      `SELECT ${columns} FROM futures f JOIN drafts d ON d.future = f.id WHERE f.owner = ? AND f.listed > 0
        AND f.outcome = ? AND f.outcome_detail IN (SELECT value FROM json_each(?))`,
    );
    this.#byName = database.prepare<[number, string], { id: GroupId }>(
      'SELECT id FROM groups WHERE owner = ? AND name = ? AND name_free = 0',
    );
    this.#ofFuture = database.prepare<[FutureId], { group_id: GroupId }>(
      'SELECT group_id FROM futures WHERE id = ?',
    );
    this.#underWay = database.prepare<[], { id: GroupId }>(
      'SELECT id FROM groups WHERE phase IN (0, 2) ORDER BY id',
    );
  }

  byId(id: GroupId): StoredGroup | null {
    const row = this.#groups.get(id);
    if (row === undefined) return null;
    const members = this.#futures.all(id).map((each) => this.#member(each));
    return {
      group: groupOf(
        row,
        members.map(({ future }) => future),
      ),
      owner: row.owner,
      members: new Map(members.map((member) => [member.future.id, member])),
    };
  }

  byName(owner: number, name: string): StoredGroup | null {
    const id = this.#byName.get(owner, name)?.id;
    return id === undefined ? null : this.byId(id);
  }

  byFuture(future: FutureId): StoredGroup | null {
    const id = this.#ofFuture.get(future)?.group_id;
    return id === undefined ? null : this.byId(id);
  }

  /** All claimed and staged groups, by id. */
  underWay(): readonly StoredGroup[] {
    return this.#underWay.all().flatMap(({ id }) => this.byId(id) ?? []);
  }

  /** Pending futures of an owner with a higher id than that, the lowest first. */
  running(owner: number, after: number, limit: number): readonly ListedRow[] {
    const rows = this.#running.all(owner, after, limit);
    return rows.map((row) => ({ place: row.id, future: this.#future(row), groupName: row.group_name }));
  }

  /** Finished futures in an owner's list before that place, the latest first. */
  finished(owner: number, before: number, limit: number): readonly ListedRow[] {
    const rows = this.#finished.all(owner, before, limit);
    return rows.map((row) => ({
      place: row.listed ?? 0,
      future: this.#future(row),
      groupName: row.group_name,
    }));
  }

  /** Futures in an owner's list of outcomes that became one of these events. */
  sentAs(owner: number, events: ReadonlySet<EventId>): readonly Future[] {
    const rows = this.#sentAs.all(owner, codeOf(outcomes, 'sent'), JSON.stringify([...events]));
    return rows.map((row) => this.#future(row));
  }

  /** Memory is ahead of the rows: refreshes stand in the journal. */
  #future(row: FutureRow): Future {
    const timer = this.#timers.read(row.id);
    return {
      ...futureOf(row),
      deadline: timer?.deadline ?? row.deadline,
      since: timer?.since ?? row.since,
    };
  }

  #member(row: FutureRow): Member {
    return {
      future: this.#future(row),
      stateKey: row.state_key ?? 0,
      contentBytes: row.content_bytes,
      listed: row.listed !== null,
    };
  }
}

function groupOf(row: GroupRow, futures: readonly Future[]): Group {
  return {
    id: row.id,
    owner: row.owner_name,
    name: row.name,
    phase: wordOf(phases, row.phase),
    epoch: row.epoch,
    claim: row.claim === null ? null : fromJson<Claim>(row.claim),
    sendNow: row.send_now === null ? null : fromJson<Draft>(row.send_now),
    futures,
    endedAt: row.ended_at,
  };
}

function futureOf(row: FutureRow): Future {
  return {
    id: row.id,
    nonce: { high: row.nonce_high, low: row.nonce_low },
    generation: wordOf(generations, row.generation),
    draft: {
      room: row.room,
      sender: row.sender,
      type: row.type,
      stateKey: row.draft_key,
      content: fromJson(row.content),
      extras: fromJson(row.extras),
    },
    action: row.action,
    heartbeat: row.heartbeat,
    timeout: row.timeout,
    deadline: row.deadline,
    fence: fenceOf(row),
    stateOrder: row.state_order,
    since: row.since,
    status: wordOf(statuses, row.status),
    outcome: outcomeOf(row),
  };
}

function fenceOf({ fence, fence_event: event }: FutureRow): Fence {
  const kind = wordOf(fences, fence);
  return kind === 'event' ? { kind, event: event ?? '' } : { kind };
}

function outcomeOf({ outcome, outcome_at: at, outcome_detail: detail }: FutureRow): Outcome | null {
  if (outcome === null || at === null || detail === null) return null;
  const kind = wordOf(outcomes, outcome);
  switch (kind) {
    case 'sent':
      return { kind, at, event: detail };
    case 'failed':
      return { kind, at, error: fromJson(detail) };
    case 'cancelled':
      return { kind, at, reason: wordOf(cancelReasons, Number(detail)) };
  }
}

interface InGroup {
  readonly group_name: string;
}

interface GroupRow {
  readonly id: GroupId;
  readonly owner: number;
  readonly owner_name: string;
  readonly name: string;
  readonly phase: number;
  readonly epoch: number;
  readonly claim: string | null;
  readonly send_now: string | null;
  readonly ended_at: Instant | null;
}

interface FutureRow {
  readonly id: FutureId;
  readonly nonce_high: number;
  readonly nonce_low: number;
  readonly generation: number;
  readonly timeout: Ms | null;
  readonly deadline: Instant | null;
  readonly since: Instant;
  readonly state_order: number;
  readonly room: string;
  readonly sender: string;
  readonly type: string;
  readonly draft_key: string | null;
  readonly content: string;
  readonly extras: string;
  readonly action: string | null;
  readonly heartbeat: string | null;
  readonly fence: number;
  readonly fence_event: string | null;
  readonly status: number;
  readonly state_key: number | null;
  readonly content_bytes: number;
  readonly listed: number | null;
  readonly outcome: number | null;
  readonly outcome_at: Instant | null;
  readonly outcome_detail: string | null;
}

import type { FutureId, Instant, Ms } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import { fromJson } from './json.ts';
import type { Owners } from './owners.ts';
import type { StateKeys } from './state-keys.ts';
import type { Timers } from './timers.ts';
import { codeOf, statuses } from './words.ts';

/** Rows read at once: many enough for the cost of a query to vanish, few enough to be young garbage. */
const AT_ONCE = 1_000;
/** Finished futures that are rather read past than asked around. */
const GAP = 1_000;

/**
 * At start: reads all pending futures, of narrow rows only, into memory. First which they are, from the index, then
 * their rows in order of id, each stretch of them in one query: a million in 0.7 s, where asking for
 * `id IN (SELECT …)` took 3.8 s, and reading past everything that is finished depends on how much that is.
 */
export function loadFutures(database: Database, timers: Timers, owners: Owners, stateKeys: StateKeys): void {
  const rows = database.prepareTuples<[FutureId, FutureId], Row>(
    `SELECT id, owner, nonce_high, nonce_low, generation, status, timeout, deadline, since, state_order, state_key,
       content_bytes FROM futures WHERE id BETWEEN ? AND ? AND listed = 0`,
  );
  for (const [first, last] of stretches(pendingIds(database))) {
    for (const row of rows.all(first, last)) loadOne(row, timers, owners, stateKeys);
  }
}

function loadOne(row: Row, timers: Timers, owners: Owners, stateKeys: StateKeys): void {
  const [
    id,
    owner,
    nonceHigh,
    nonceLow,
    generation,
    status,
    timeout,
    deadline,
    since,
    stateOrder,
    key,
    contentBytes,
  ] = row;
  const stateKey = key ?? 0;
  owners.load(owner, 1, contentBytes);
  if (stateKey !== 0) stateKeys.load(stateKey, 1);
  stateKeys.loadOrder(stateOrder);
  if (status !== scheduled || deadline === null) return;
  timers.load({
    id,
    nonceHigh,
    nonceLow,
    generation,
    timeout: timeout ?? NaN,
    deadline,
    since,
    owner,
    stateKey,
    aliveUpTo: stateOrder,
    frozen: false,
    journal: 0,
  });
}

/** In order. As one text for each owner, since a row for each id takes five times as long. */
function pendingIds(database: Database): Float64Array {
  const ofOwners = database.prepare<[], { ids: string }>(
    'SELECT json_group_array(id) AS ids FROM futures WHERE listed = 0 GROUP BY owner',
  );
  const lists = ofOwners.all().map(({ ids }) => fromJson<FutureId[]>(ids));
  const all = new Float64Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all.sort();
}

/** First and last id of stretches that hold few others. */
function* stretches(ids: Float64Array): Generator<[FutureId, FutureId]> {
  let from = 0;
  for (let at = 1; at <= ids.length; at += 1) {
    const last = ids[at - 1] ?? 0;
    if (at < ids.length && at - from < AT_ONCE && (ids[at] ?? 0) - last <= GAP) continue;
    yield [ids[from] ?? 0, last];
    from = at;
  }
}

const scheduled = codeOf(statuses, 'scheduled');

type Row = [
  id: FutureId,
  owner: number,
  nonceHigh: number,
  nonceLow: number,
  generation: number,
  status: number,
  timeout: Ms | null,
  deadline: Instant | null,
  since: Instant,
  stateOrder: number,
  stateKey: number | null,
  contentBytes: number,
];

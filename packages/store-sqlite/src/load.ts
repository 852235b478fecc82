import type { FutureId, Instant, Ms } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import type { Owners } from './owners.ts';
import type { StateKeys } from './state-keys.ts';
import type { Timers } from './timers.ts';
import { codeOf, statuses } from './words.ts';

/**
 * At start: reads all pending futures, of narrow rows only, into memory. In order of id, so that each page is read
 * once; what is finished is passed by in the index, so that the time depends on what is pending alone.
 */
export function loadFutures(database: Database, timers: Timers, owners: Owners, stateKeys: StateKeys): void {
  const pending = database.prepare<[], Row>(
    `SELECT id, owner, nonce_high, nonce_low, generation, status, timeout, deadline, since, state_order, state_key,
       content_bytes FROM futures WHERE id IN (SELECT id FROM futures WHERE listed = 0)`,
  );
  const scheduled = codeOf(statuses, 'scheduled');
  for (const row of pending.iterate()) {
    const stateKey = row.state_key ?? 0;
    owners.load(row.owner, 1, row.content_bytes);
    if (stateKey !== 0) stateKeys.load(stateKey, 1);
    stateKeys.loadOrder(row.state_order);
    if (row.status !== scheduled || row.deadline === null) continue;
    timers.load({
      id: row.id,
      nonceHigh: row.nonce_high,
      nonceLow: row.nonce_low,
      generation: row.generation,
      timeout: row.timeout ?? NaN,
      deadline: row.deadline,
      since: row.since,
      owner: row.owner,
      stateKey,
      aliveUpTo: row.state_order,
      frozen: false,
      journal: 0,
    });
  }
}

interface Row {
  readonly id: FutureId;
  readonly owner: number;
  readonly nonce_high: number;
  readonly nonce_low: number;
  readonly generation: number;
  readonly status: number;
  readonly timeout: Ms | null;
  readonly deadline: Instant | null;
  readonly since: Instant;
  readonly state_order: number;
  readonly state_key: number | null;
  readonly content_bytes: number;
}

import type { FutureId, Group, Instant, Retention } from '@matrix-futures/engine';
import { isAlive } from './listing.ts';
import type { Tables } from './tables.ts';

/** What one step of cleaning works with. */
interface Step {
  readonly tables: Tables;
  readonly retention: Retention;
  readonly now: Instant;
  /** hands a group to be buried */
  readonly bury: (group: Group) => void;
}

/** Each yields after every row it dealt with, so that the caller decides how many there are. */
export function* rows(step: Step): Generator<void> {
  yield* deadByState(step);
  yield* deadByDeactivation(step);
  yield* tooOld(step);
}

/** The futures on each key whose mark moved, once each. */
function* deadByState({ tables, bury }: Step): Generator<void> {
  for (const [key, after] of tables.unsweptKeys) {
    for (const future of tables.onKey(key)) {
      if (future <= after) continue;
      const group = tables.ofFuture(future);
      if (group === null) continue;
      tables.put(tables.unsweptKeys, key, future);
      if (isDead(tables, group, future)) bury(group);
      yield;
    }
    tables.put(tables.unsweptKeys, key, undefined);
  }
}

/** The groups of each owner who was deactivated, once each. */
function* deadByDeactivation({ tables, bury }: Step): Generator<void> {
  for (const [owner, after] of tables.unsweptOwners) {
    for (const group of tables.ofOwner(owner)) {
      if (group.id <= after) continue;
      tables.put(tables.unsweptOwners, owner, group.id);
      if (group.futures.some(({ status }) => status === 'scheduled')) bury(group);
      yield;
    }
    tables.put(tables.unsweptOwners, owner, undefined);
  }
}

/** Groups and transaction ids past their time. (Lists leave out by themselves what is too old for them.) */
function* tooOld({ tables, retention, now }: Step): Generator<void> {
  for (const group of tables.groups.values()) {
    if (group.endedAt === null || group.endedAt + retention.tombstones > now) continue;
    tables.write(group, null);
    yield;
  }
  for (const { scope, at } of tables.memories.values()) {
    if (at + retention.tombstones > now) continue;
    tables.put(tables.memories, scope, undefined);
    yield;
  }
}

function isDead(tables: Tables, group: Group, id: FutureId): boolean {
  const future = group.futures.find((each) => each.id === id);
  return future?.status === 'scheduled' && !isAlive(tables, group.owner, future);
}

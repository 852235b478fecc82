import type { CancelReason, Future } from '../future.ts';
import type { Group } from '../group.ts';
import type { World } from '../store.ts';
import { deadByState } from './alive.ts';
import { cancelled, endIfTimeless, finish, reopen } from './end.ts';

/**
 * Writes down what new state or a deactivation has already done to a group's futures. Every rule begins with it, so
 * that no rule sees a future that is dead but not yet marked so.
 *
 * A dead winner: nothing of it can be in the room (`certain`), then the claim is released; else it is doomed, which
 * means never sent again, only looked for.
 */
export function bury(group: Group, world: World, certain: boolean): Group {
  if (group.phase !== 'open' && group.phase !== 'claimed') return group;
  const reasonFor = (future: Future): CancelReason | null => {
    if (future.status !== 'scheduled') return null;
    if (!world.ownerActive) return 'deactivated';
    return deadByState(future, world.markOf) ? 'state' : null;
  };
  let next = group;
  for (const future of group.futures) {
    const reason = reasonFor(future);
    if (reason !== null && future.id !== group.claim?.winner)
      next = finish(next, future.id, cancelled(reason, world.now));
  }
  const { claim } = group;
  const winner = group.futures.find(({ id }) => id === claim?.winner);
  const reason = winner === undefined ? null : reasonFor(winner);
  if (winner === undefined || claim === null || reason === null) return endIfTimeless(next, world.now);
  if (certain) return reopen(finish(next, winner.id, cancelled(reason, world.now)), world.now);
  return claim.doomed === null ? { ...next, claim: { ...claim, doomed: reason } } : next;
}

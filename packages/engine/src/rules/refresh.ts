import type { Instant } from '../clock.ts';
import type { FutureId } from '../future.ts';
import type { Group } from '../group.ts';
import type { World } from '../store.ts';
import { deadlineAfter } from './add.ts';
import { alive } from './alive.ts';
import { bury } from './bury.ts';
import { reopen } from './end.ts';

/** What became of restarting a timer. */
export type RefreshAnswer =
  | { readonly kind: 'refreshed'; readonly deadline: Instant }
  /** finished, dead, or on its way into the room */
  | { readonly kind: 'gone' }
  /** an action future */
  | { readonly kind: 'no-timer' };

/**
 * Restarts a timer, overdue or not, while the future can still be stopped from being sent by it. The winner of a
 * claim made by the timer comes back only while no attempt can have had an effect, and not after a take-over.
 */
export function refreshFuture(
  found: Group,
  id: FutureId,
  certain: boolean,
  world: World,
): { next: Group; answer: RefreshAnswer } {
  const group = bury(found, world, certain);
  const future = group.futures.find((member) => member.id === id);
  if (future === undefined || !alive(future, world)) return { next: group, answer: { kind: 'gone' } };
  if (group.phase !== 'open' && group.phase !== 'claimed') return { next: group, answer: { kind: 'gone' } };
  if (future.timeout === null) return { next: group, answer: { kind: 'no-timer' } };
  const winsByTimer = group.claim?.winner === id && group.claim.cause === 'timer';
  if (group.claim?.winner === id && group.claim.doomed !== null)
    return { next: group, answer: { kind: 'gone' } };
  if (winsByTimer && (!certain || group.claim?.taken)) return { next: group, answer: { kind: 'gone' } };
  const deadline = deadlineAfter(world.now, future.timeout);
  const refreshed: Group = {
    ...group,
    futures: group.futures.map((member) =>
      member.id === id ? { ...member, deadline, since: world.now } : member,
    ),
  };
  const next = winsByTimer ? reopen(refreshed, world.now) : refreshed;
  return { next, answer: { kind: 'refreshed', deadline } };
}

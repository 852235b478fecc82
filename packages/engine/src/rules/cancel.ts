import type { FutureId } from '../future.ts';
import type { Group } from '../group.ts';
import type { World } from '../store.ts';
import { alive } from './alive.ts';
import { bury } from './bury.ts';
import { cancelled, endIfTimeless, finish, reopen } from './end.ts';

/** What became of cancelling. */
export type CancelAnswer =
  | { readonly kind: 'cancelled' }
  /** finished, dead, or past the point where it could be stopped */
  | { readonly kind: 'gone' }
  /** it may be in the room: never sent again from here on, and looked for; wait for what the look says */
  | { readonly kind: 'doomed' };

/** Cancels one future; when it was the group's last timeout future, the action futures go too (rule L). */
export function cancelFuture(
  found: Group,
  id: FutureId,
  by: 'token' | 'owner',
  certain: boolean,
  world: World,
): { next: Group; answer: CancelAnswer } {
  const group = bury(found, world, certain);
  const future = group.futures.find((member) => member.id === id);
  const running = group.phase === 'open' || group.phase === 'claimed';
  if (group.claim?.winner === id && group.claim.doomed !== null)
    return { next: group, answer: { kind: 'doomed' } };
  if (future === undefined || !running || !alive(future, world))
    return { next: group, answer: { kind: 'gone' } };

  const done = finish(group, id, cancelled(by, world.now));
  const { claim } = group;
  if (claim?.winner !== id) return { next: endIfTimeless(done, world.now), answer: { kind: 'cancelled' } };
  if (claim.taken) return { next: group, answer: { kind: 'gone' } };
  if (certain) return { next: reopen(done, world.now), answer: { kind: 'cancelled' } };
  return { next: { ...group, claim: { ...claim, doomed: by } }, answer: { kind: 'doomed' } };
}

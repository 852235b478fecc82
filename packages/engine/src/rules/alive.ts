import { stateKeyOf } from '../event.ts';
import type { Future } from '../future.ts';
import type { MarkOf, StateArrival, StateMark } from '../state-mark.ts';
import type { World } from '../store.ts';

/** The newest state event that could invalidate this future, going by its generation; null: none can. */
function relevantArrival(future: Pick<Future, 'generation' | 'draft'>, mark: StateMark): StateArrival | null {
  switch (future.generation) {
    case 'futures':
      return mark.last;
    case 'delay-parameter':
      return mark.last.sender === future.draft.sender ? mark.lastByAnother : mark.last;
    case 'delayed-events':
      return null;
  }
}

/**
 * New state with a future's key invalidates it: by whomever (futures, text of 6 June 2024), by anybody but its owner
 * (delay parameter, as deployed), or never (delayed events, as merged). A predicate over the key's mark, so that one
 * state event never has to touch 100,000 rows.
 */
export function deadByState(future: Future, markOf: MarkOf): boolean {
  const key = stateKeyOf(future.draft);
  const mark = key === null ? null : markOf(key);
  const arrival = mark === null ? null : relevantArrival(future, mark);
  if (arrival === null || arrival.order <= future.stateOrder) return false;
  return !(future.fence.kind === 'event' && future.fence.event === arrival.event);
}

/** Scheduled, not dead by state, owner active: its timer runs and its tokens work. */
export function alive(future: Future, world: Pick<World, 'markOf' | 'ownerActive'>): boolean {
  return future.status === 'scheduled' && world.ownerActive && !deadByState(future, world.markOf);
}

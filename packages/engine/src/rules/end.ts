import type { Instant } from '../clock.ts';
import type { EventId } from '../event.ts';
import type { CancelReason, Future, FutureId, Outcome, Refusal } from '../future.ts';
import type { Group } from '../group.ts';

/** The group with one of its futures finished. */
export function finish(group: Group, id: FutureId, outcome: Outcome): Group {
  return {
    ...group,
    futures: group.futures.map((future) =>
      future.id === id ? { ...future, status: 'finished', outcome } : future,
    ),
  };
}

export function cancelled(reason: CancelReason, at: Instant): Outcome {
  return { kind: 'cancelled', at, reason };
}

function unfinishedCancelled(futures: readonly Future[], at: Instant): readonly Future[] {
  return futures.map((future) =>
    future.status === 'finished'
      ? future
      : { ...future, status: 'finished', outcome: cancelled('group', at) },
  );
}

/** Over without an event: what is left is cancelled, the name is free again. */
function close(group: Group, at: Instant): Group {
  return {
    ...group,
    phase: 'closed',
    claim: null,
    endedAt: at,
    futures: unfinishedCancelled(group.futures, at),
  };
}

/** Over, and the name is used up: what is left is cancelled. */
function seal(group: Group, at: Instant): Group {
  return {
    ...group,
    phase: 'sent',
    claim: null,
    endedAt: at,
    futures: unfinishedCancelled(group.futures, at),
  };
}

/** The winner is in the room: the one way in which a group gets its event. */
export function settle(group: Group, winner: FutureId, event: EventId, at: Instant): Group {
  return seal(finish(group, winner, { kind: 'sent', at, event }), at);
}

/**
 * Nobody will ever know whether the winner reached the room, so nothing of this group may be sent again.
 * @param winner null: the `send_now` of a staged batch
 */
export function settleUnknown(group: Group, winner: FutureId | null, error: Refusal, at: Instant): Group {
  if (winner === null) return { ...seal(group, at), sendNow: null };
  return seal(finish(group, winner, { kind: 'failed', at, error }), at);
}

/**
 * Rule L: an open group with no scheduled timeout future ends. (Without one, its action futures would wait for ever.)
 * Expects that dead futures were buried.
 */
export function endIfTimeless(group: Group, at: Instant): Group {
  if (group.phase !== 'open') return group;
  const timed = group.futures.some((future) => future.status === 'scheduled' && future.timeout !== null);
  return timed ? group : close(group, at);
}

/**
 * Takes a claim back: certain that no attempt had an effect. A group that was taken over never reopens, because the
 * node it was taken from may have been frozen in the middle of an attempt; it is sealed instead.
 */
export function reopen(group: Group, at: Instant): Group {
  if (group.claim?.taken) return seal(group, at);
  return endIfTimeless({ ...group, phase: 'open', claim: null }, at);
}

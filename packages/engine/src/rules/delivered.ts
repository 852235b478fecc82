/**
 * What a delivery's results do to its group. Each function expects the group under the very claim the attempt was made
 * for; whoever calls checks the epoch, except for `accepted`, which is a fact and counts from any epoch.
 */
import type { EventId } from '../event.ts';
import type { FutureId, Refusal } from '../future.ts';
import type { Claim, Group } from '../group.ts';
import type { World } from '../store.ts';
import { cancelled, finish, endIfTimeless, reopen, settle, settleUnknown } from './end.ts';

/** The winner's event is in the room. Told twice (by the attempt and by a look), it counts once. */
export function accepted(group: Group, winner: FutureId, event: EventId, world: World): Group {
  if (group.futures.some(({ id, outcome }) => id === winner && outcome?.kind === 'sent')) return group;
  return settle(group, winner, event, world.now);
}

/** The timer's send was refused for good: that future failed, the others go on (rule L decides whether they can). */
export function failedWhenDue(group: Group, winner: FutureId, error: Refusal, world: World): Group {
  return endIfTimeless(finish(group, winner, { kind: 'failed', at: world.now, error }), world.now);
}

/**
 * The room refused, and no earlier attempt of this claim can have had an effect. A send by hand is answered with the
 * room's error and the future stays; a timer's future failed; a doomed one is cancelled, as was asked.
 * A staged batch is deleted (null).
 */
export function refused(group: Group, claim: Claim, error: Refusal, world: World): Group | null {
  if (claim.winner === null || claim.doomed !== null || claim.cause === 'token')
    return givenBack(group, claim, world);
  return reopen(finish(group, claim.winner, { kind: 'failed', at: world.now, error }), world.now);
}

/**
 * Certainly no effect, and whoever asked is told: the claim is taken back, and the future stays unless it was cancelled
 * meanwhile.
 */
export function givenBack(group: Group, claim: Claim, world: World): Group | null {
  if (claim.winner === null) return unstaged(group, claim, world);
  if (claim.doomed !== null)
    return reopen(finish(group, claim.winner, cancelled(claim.doomed, world.now)), world.now);
  return reopen(group, world.now);
}

/**
 * Nothing is left of a staged batch, so that it may be asked for again. After a take-over its name stays used up: the node
 * it was taken from may still send its event.
 */
function unstaged(group: Group, claim: Claim, world: World): Group | null {
  return claim.taken ? settleUnknown(group, null, outcomeUnknown, world.now) : null;
}

/**
 * A look proved that no attempt reached the room, and none is still running: a doomed winner is cancelled.
 *
 * Not after a take-over: the node it was taken from may have frozen between its last check and its write, and write
 * when it wakes. Then nobody may be told that the cancel worked, so the outcome is recorded as what it is, unknown.
 */
export function provedAbsent(group: Group, claim: Claim, world: World): Group {
  if (claim.winner === null || claim.doomed === null) return group;
  if (claim.taken) return settleUnknown(group, claim.winner, outcomeUnknown, world.now);
  return reopen(finish(group, claim.winner, cancelled(claim.doomed, world.now)), world.now);
}

/** 24 hours without knowing: it will not be tried again, and the name stays used up. */
export function gaveUp(group: Group, claim: Claim, world: World): Group {
  return settleUnknown(group, claim.winner, outcomeUnknown, world.now);
}

/** The error of futures of which nobody will ever know whether they reached the room. */
export const outcomeUnknown: Refusal = {
  status: 504,
  errcode: 'M_UNKNOWN',
  error: 'It could not be learned whether the homeserver accepted the event; it is not sent again',
};

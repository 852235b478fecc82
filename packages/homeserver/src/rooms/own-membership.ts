import type { EventId, RoomId, UserId } from '@matrix-futures/engine';
import { allMemberships, type Membership, type RoomStore } from './room-store.ts';
import { contentOf } from './stored-event.ts';

/** What a user was to a room, from a position on. */
export interface Step {
  readonly position: number;
  readonly membership: Membership;
  readonly eventId: EventId;
  /** who made them that */
  readonly sender: UserId;
}

/**
 * Oldest first.
 * @param upTo steps after this position are left out; for who reads in several units, as of the first of them
 */
export function ownMembership(
  store: RoomStore,
  room: RoomId,
  user: UserId,
  upTo: number = Infinity,
): readonly Step[] {
  return store
    .stateHistory(room, 'm.room.member', user)
    .filter((event) => event.position <= upTo)
    .map((event) => {
      const { position, eventId, sender } = event;
      const { membership } = contentOf(event);
      return {
        position,
        eventId,
        sender,
        membership: allMemberships.find((one) => one === membership) ?? 'leave',
      };
    });
}

/** Was the user joined after the one position, and never away up to the other? Changes of the profile are no absence. */
export function wasJoinedThroughout(steps: readonly Step[], after: number, upTo: number): boolean {
  const before = steps.findLastIndex((step) => step.position <= after);
  return before !== -1 && steps.slice(before).every((step) => isJoin(step) || step.position > upTo);
}

/** Where somebody who is outside left for the last time, or was put out; null for who was never inside. */
export function lastExit(steps: readonly Step[]): number | null {
  const lastJoin = steps.findLastIndex(isJoin);
  return lastJoin === -1 ? null : (steps[lastJoin + 1]?.position ?? null);
}

function isJoin({ membership }: Step): boolean {
  return membership === 'join';
}

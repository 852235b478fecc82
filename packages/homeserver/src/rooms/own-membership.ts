import type { RoomId, UserId } from '@matrix-futures/engine';
import type { RoomStore } from './room-store.ts';
import { contentOf } from './stored-event.ts';

/** What a user was to a room, from a position on. */
export interface Step {
  readonly position: number;
  readonly joined: boolean;
}

/** Oldest first. */
export function ownMembership(store: RoomStore, room: RoomId, user: UserId): readonly Step[] {
  return store
    .stateHistory(room, 'm.room.member', user)
    .map((event) => ({ position: event.position, joined: contentOf(event).membership === 'join' }));
}

/** Was the user joined after the one position, and never away up to the other? Changes of the profile are no absence. */
export function wasJoinedThroughout(steps: readonly Step[], after: number, upTo: number): boolean {
  const before = steps.findLastIndex((step) => step.position <= after);
  return before !== -1 && steps.slice(before).every((step) => step.joined || step.position > upTo);
}

/** Where somebody who is outside left for the last time, or was put out; null for who was never inside. */
export function lastExit(steps: readonly Step[]): number | null {
  const lastJoin = steps.findLastIndex((step) => step.joined);
  return lastJoin === -1 ? null : (steps[lastJoin + 1]?.position ?? null);
}

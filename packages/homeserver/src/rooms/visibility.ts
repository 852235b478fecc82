import type { RoomId, UserId } from '@matrix-futures/engine';
import { contentOf, type StoredEvent } from './stored-event.ts';
import type { RoomStore } from './room-store.ts';

/** Does the user get to see the event? */
export type Sees = (event: StoredEvent) => boolean;

const visibilities = ['world_readable', 'shared', 'invited', 'joined'] as const;
type Visibility = (typeof visibilities)[number];

/**
 * What a user sees of a room's history, judged at each event, not now (client-server API, "Room history visibility").
 * Who left sees what was visible up to the leave; who was never there, or has forgotten the room, only what is world
 * readable.
 *
 * Both histories are read once, so judging an event is a search in two short lists. `m.room.history_visibility` and
 * the user's own membership event count as the more open of the states before and after them.
 * @param forgotten false: as if the user had not forgotten the room
 */
export function whatIsSeen(
  store: RoomStore,
  room: RoomId,
  user: UserId,
  forgotten = store.membership(room, user)?.forgotten === 1,
): Sees {
  const visibility = timeline(
    store.stateHistory(room, 'm.room.history_visibility', ''),
    'history_visibility',
  );
  const own = forgotten ? [] : store.stateHistory(room, 'm.room.member', user);
  const membership = timeline(own, 'membership');
  const lastJoin = membership.findLast((step) => step.value === 'join')?.position ?? -1;

  const allows = (position: number): boolean => {
    const rule = asVisibility(valueAt(visibility, position));
    if (rule === 'world_readable') return true;
    const was = valueAt(membership, position);
    if (was === 'join') return true;
    return rule === 'shared' ? position < lastJoin : rule === 'invited' && was === 'invite';
  };

  return (event) => {
    const changesEither =
      (event.type === 'm.room.history_visibility' && event.stateKey === '') ||
      (event.type === 'm.room.member' && event.stateKey === user);
    return allows(event.position) || (changesEither && allows(event.position - 1));
  };
}

interface Step {
  readonly position: number;
  readonly value: unknown;
}

function timeline(history: readonly StoredEvent[], field: string): readonly Step[] {
  return history.map((event) => ({ position: event.position, value: contentOf(event)[field] }));
}

/** The value of the last step at or before the position: found from the end, where most questions are about. */
function valueAt(steps: readonly Step[], position: number): unknown {
  return steps.findLast((step) => step.position <= position)?.value;
}

/** Absent or not understood counts as `shared`. */
function asVisibility(value: unknown): Visibility {
  return visibilities.find((known) => known === value) ?? 'shared';
}

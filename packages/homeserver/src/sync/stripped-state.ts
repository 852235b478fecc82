import type { JsonObject } from '@matrix-futures/engine';
import { contentOf } from '../rooms/stored-event.ts';
import type { MembershipRow, RoomStore } from '../rooms/room-store.ts';

/** What somebody outside is shown of a room (Matrix specification, "Stripped state"), beside their own membership. */
const shownTypes = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
];

/** The room as it was when the user was invited, or knocked: later changes are none of their business. */
export function strippedState(store: RoomStore, { roomId, userId, position }: MembershipRow): JsonObject[] {
  const keys: readonly (readonly [type: string, key: string])[] = [
    ...shownTypes.map((type) => [type, ''] as const),
    ['m.room.member', userId],
  ];
  return keys.flatMap(([type, key]) => {
    const event = store.stateEventAt(roomId, type, key, position);
    return event === undefined
      ? []
      : [{ type, state_key: key, sender: event.sender, content: contentOf(event) }];
  });
}

import type { EventId, RoomId, UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import type { AccountDataStore } from '../account-data/account-data-store.ts';
import { stringMember } from '../events/json-member.ts';
import type { RoomStore } from '../rooms/room-store.ts';
import type { ReceiptStore } from './receipt-store.ts';

/** The two receipts, and the marker that a client shows its user as the place to go on reading. */
export const markerTypes = ['m.fully_read', 'm.read', 'm.read.private'] as const;

/** A marker that a user sets. */
export interface Marker {
  readonly room: RoomId;
  readonly user: UserId;
  readonly type: (typeof markerTypes)[number];
  readonly event: EventId;
  /** as a receipt's; empty for `m.fully_read` */
  readonly thread: string;
  /** milliseconds since 1970 */
  readonly ts: number;
}

/** Where users are in their rooms. */
export interface Markers {
  /**
   * Inside a unit. Markers only move forwards.
   * @throws MatrixError `forbidden` for a room the user is not in, `notFound` for an event that is not in the room
   */
  set(marker: Marker): void;
}

export function createMarkers(
  rooms: RoomStore,
  receipts: ReceiptStore,
  accountData: AccountDataStore,
): Markers {
  const fullyReadUpTo = (room: RoomId, user: UserId): number => {
    const marker = stringMember(accountData.get(user, room, 'm.fully_read') ?? {}, 'event_id');
    return marker === undefined ? 0 : (rooms.event(marker)?.position ?? 0);
  };

  return {
    set({ room, user, type, event, thread, ts }) {
      if (rooms.membership(room, user)?.membership !== 'join') {
        throw new MatrixError('forbidden', 'You are not in this room');
      }
      const target = rooms.event(event);
      if (target?.roomId !== room) throw new MatrixError('notFound', 'No such event in this room');
      if (type !== 'm.fully_read') {
        receipts.put({ room, user, type, thread, event, eventPosition: target.position, ts });
      } else if (target.position > fullyReadUpTo(room, user)) {
        accountData.set(user, room, type, { event_id: event });
      }
    },
  };
}

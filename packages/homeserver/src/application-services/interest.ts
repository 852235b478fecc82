import type { RoomId, UserId } from '@matrix-futures/engine';
import type { StoredEvent } from '../rooms/stored-event.ts';
import { covers, matches, type ApplicationService } from './services.ts';

/** Is the event the service's business? */
export type IsInteresting = (event: StoredEvent) => boolean;

/**
 * Events of the rooms in its namespace, of rooms that a user of its is in, and those by and about its users
 * (application service API, "Registration": namespaces). Members are those of now; rooms here have no aliases. To be
 * used for one reading: what it finds out about a room it finds out once.
 */
export function interestOf(
  service: ApplicationService,
  membersOf: (room: RoomId) => readonly UserId[],
): IsInteresting {
  const rooms = new Map<RoomId, boolean>();
  const isOwnRoom = (room: RoomId): boolean => {
    const known = rooms.get(room);
    if (known !== undefined) return known;
    const own = matches(service.rooms, room) || membersOf(room).some((user) => covers(service, user));
    rooms.set(room, own);
    return own;
  };
  return ({ roomId, sender, type, stateKey }) =>
    isOwnRoom(roomId) ||
    covers(service, sender) ||
    (type === 'm.room.member' && stateKey !== null && covers(service, stateKey));
}

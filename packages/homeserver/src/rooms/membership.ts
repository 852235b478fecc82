import type { EventId, JsonObject, RoomId, UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import { isUserId, serverOf } from '../events/identifiers.ts';
import { requireRoomId } from './access.ts';
import type { Membership } from './room-store.ts';
import { say, type Rooms } from './rooms.ts';

/** A membership event that is to be made. */
export interface MembershipChange {
  readonly room: RoomId;
  readonly sender: UserId;
  readonly target: UserId;
  readonly membership: Membership;
  /** beside what the change itself says: `reason`, `is_direct` */
  readonly content?: JsonObject;
}

/**
 * Makes a membership event, inside a unit.
 * @throws MatrixError what the room answers when it does not want the event
 */
export function changeMembership(rooms: Rooms, change: MembershipChange): EventId {
  const { room, sender, target, membership, content = {} } = change;
  return say(rooms, {
    room,
    sender,
    type: 'm.room.member',
    stateKey: target,
    content: memberContent(rooms, target, membership, content),
  });
}

/** Who joins or is invited appears with their profile. */
export function memberContent(
  rooms: Rooms,
  target: UserId,
  membership: Membership,
  content: JsonObject,
): JsonObject {
  const enters = membership === 'join' || membership === 'invite';
  return { ...content, ...(enters && rooms.profileOf(target)), membership };
}

/** What the user is to the room; `leave` for who never had to do with it. */
export function membershipOf({ store }: Rooms, room: RoomId, user: UserId): Membership {
  requireRoomId(room);
  return store.membership(room, user)?.membership ?? 'leave';
}

/** @throws MatrixError for what is no user id, and for users of servers that this one does not speak to */
export function requireLocalUser({ serverName }: Rooms, user: string): void {
  if (!isUserId(user)) throw new MatrixError('invalidParam', 'That is not a user id: @name:server');
  if (serverOf(user) !== serverName) {
    throw new MatrixError('forbidden', `This server does not federate; ${user} is of another one.`);
  }
}

/** `reason`, for content */
export function reasonOf({ reason }: { readonly reason?: string }): JsonObject {
  return reason === undefined ? {} : { reason };
}

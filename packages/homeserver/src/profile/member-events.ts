import type { Clock, JsonObject, LocalHomeserver, RoomId, Timers, UserId } from '@matrix-futures/engine';
import type { Turn } from '@matrix-futures/sqlite';
import { without } from '../events/json-member.ts';
import { roomByRoom } from '../rooms/room-by-room.ts';
import type { RoomStore } from '../rooms/room-store.ts';
import { contentOf } from '../rooms/stored-event.ts';
import type { ProfileStore } from './profile-store.ts';

/** What rooms show of the profiles of their members. */
export interface MemberEvents {
  /**
   * Brings the user's member events up to date with the profile, in every room the user is joined to. A room that does
   * not take it keeps what it shows. Should the process end half-way, the next change of the profile does the rest.
   */
  follow(user: UserId): Promise<void>;
}

export function createMemberEvents(
  turn: Turn,
  clock: Clock,
  timers: Timers,
  rooms: RoomStore,
  profiles: ProfileStore,
  homeserver: Pick<LocalHomeserver, 'append'>,
): MemberEvents {
  const followIn = (room: RoomId, user: UserId): void => {
    const current = rooms.stateEvent(room, 'm.room.member', user);
    if (current === undefined) return;
    const content = contentOf(current);
    // Judged now: they may have left since the list was made.
    if (content.membership !== 'join') return;
    const next = shownContent(content, profiles.of(user));
    if (JSON.stringify(next) === JSON.stringify(content)) return;
    homeserver.append(
      { room, sender: user, type: 'm.room.member', stateKey: user, content: next, extras: {} },
      clock.wall(),
    );
  };

  return {
    async follow(user) {
      const joined = await turn.unit(() =>
        rooms.membershipsOf(user).flatMap((row) => (row.membership === 'join' ? [row.roomId] : [])),
      );
      await roomByRoom(turn, timers, joined, (room) => followIn(room, user));
    },
  };
}

/** A member's content with the name and the avatar of the profile. */
export function shownContent(content: JsonObject, profile: JsonObject): JsonObject {
  const { displayname, avatar_url } = profile;
  return {
    ...without(content, 'displayname', 'avatar_url', 'join_authorised_via_users_server', 'reason'),
    ...(displayname === undefined ? {} : { displayname }),
    ...(avatar_url === undefined ? {} : { avatar_url }),
  };
}

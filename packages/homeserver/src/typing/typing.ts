import type { Cancel, Ms, RoomId, Timers, UserId } from '@matrix-futures/engine';
import type { Turn } from '@matrix-futures/sqlite';
import { BoundedMap } from '../cache/bounded-map.ts';
import type { RecentRooms } from '../stream/recent-rooms.ts';
import type { Notifier } from '../stream/notifier.ts';
import type { Positions } from '../stream/positions.ts';

/**
 * Who is typing where (client-server API, "Typing Notifications"). In memory only: after a restart nobody is typing
 * until they say so again, and that is told to nobody, as clients drop the notice after a while on their own.
 */
export interface Typing {
  /** Inside a unit. Wakes the room's long polls if that changes who is typing. @param timeout when it ends by itself */
  start(room: RoomId, user: UserId, timeout: Ms): void;
  /** Inside a unit; for who is not typing, nothing. */
  stop(room: RoomId, user: UserId): void;
  isTyping(room: RoomId, user: UserId): boolean;
  /** Who is typing, if that changed in the range `(after, upTo]`; null: it did not. */
  change(room: RoomId, after: number, upTo: number): readonly UserId[] | null;
}

interface RoomTyping {
  /** by user, what ends it */
  readonly users: Map<UserId, Cancel>;
  /** of the last change */
  position: number;
}

/** Rooms whose last change is remembered. */
const keptRooms = 10_000;

export function openTyping(
  turn: Turn,
  timers: Timers,
  positions: Positions,
  notifier: Notifier,
  recent: RecentRooms,
): Typing {
  const rooms = new BoundedMap<RoomId, RoomTyping>(keptRooms);

  const changed = (room: RoomId, typing: RoomTyping): void => {
    typing.position = positions.next();
    rooms.set(room, typing);
    recent.touch(room, typing.position);
    notifier.wakeRoom(room);
  };

  const stop = (room: RoomId, user: UserId): void => {
    const typing = rooms.get(room);
    const cancel = typing?.users.get(user);
    if (typing === undefined || cancel === undefined) return;
    cancel();
    typing.users.delete(user);
    changed(room, typing);
  };

  return {
    start(room, user, timeout) {
      const typing: RoomTyping = rooms.get(room) ?? { users: new Map(), position: 0 };
      const running = typing.users.get(user);
      running?.();
      // A turn that is lost when time runs out ends nothing; clients drop the notice on their own.
      const end = timers.after(timeout, () => void turn.unit(() => stop(room, user)).catch(() => {}));
      typing.users.set(user, end);
      if (running === undefined) changed(room, typing);
    },
    stop,
    isTyping: (room, user) => rooms.get(room)?.users.has(user) ?? false,
    change(room, after, upTo) {
      const typing = rooms.get(room);
      if (typing === undefined || typing.position <= after || typing.position > upTo) return null;
      return [...typing.users.keys()];
    },
  };
}

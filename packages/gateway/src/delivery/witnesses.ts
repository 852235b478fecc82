import type { RoomId, UserId } from '@matrix-futures/engine';

const mostRooms = 10_000;
const mostPerRoom = 4;

/**
 * Local users who were seen in a room, the last ones first: whose eyes a look may use when the sender has left the room
 * or forgotten it. In memory only; a few rooms too many or too few cost nothing but a look that cannot tell.
 */
export class Witnesses {
  readonly #rooms = new Map<RoomId, readonly UserId[]>();

  seen(room: RoomId, user: UserId): void {
    const before = this.#rooms.get(room) ?? [];
    if (before[0] === user) return;
    this.#rooms.delete(room);
    this.#rooms.set(room, [user, ...before.filter((other) => other !== user)].slice(0, mostPerRoom));
    if (this.#rooms.size <= mostRooms) return;
    const [oldest] = this.#rooms.keys();
    if (oldest !== undefined) this.#rooms.delete(oldest);
  }

  /** The user first. */
  of(room: RoomId, user: UserId): readonly UserId[] {
    return [user, ...(this.#rooms.get(room) ?? []).filter((other) => other !== user)];
  }
}

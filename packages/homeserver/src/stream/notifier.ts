import type { RoomId, UserId } from '@matrix-futures/engine';
import type { Turn } from '@matrix-futures/sqlite';

/** Tells long polls that there may be something new for their user. */
export interface Notifier {
  /** Register before reading: a change that commits in between would otherwise be slept through. */
  wait(user: UserId): Waiter;
  /** Inside a unit: wakes these users after its commit. */
  wake(users: readonly UserId[]): void;
  /** Inside a unit: wakes everybody who is joined to the room after its commit. */
  wakeRoom(room: RoomId): void;
}

/** A long poll that waits; disposed of when it waits no more. */
export interface Waiter extends Disposable {
  /** Resolves at the first wake-up after `wait`. Never rejects. */
  readonly woken: Promise<void>;
}

/** @param joinedMembers whom a change in a room concerns; asked after the commit */
export function createNotifier(turn: Turn, joinedMembers: (room: RoomId) => Iterable<UserId>): Notifier {
  const waiting = new Map<UserId, Set<() => void>>();

  const wakeNow = (users: Iterable<UserId>): void => {
    for (const user of users) {
      const resolvers = waiting.get(user);
      if (resolvers === undefined) continue;
      waiting.delete(user);
      for (const resolve of resolvers) resolve();
    }
  };

  return {
    wait(user) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const resolvers = waiting.get(user) ?? new Set();
      resolvers.add(resolve);
      waiting.set(user, resolvers);
      return {
        woken: promise,
        [Symbol.dispose]() {
          resolvers.delete(resolve);
          if (resolvers.size === 0 && waiting.get(user) === resolvers) waiting.delete(user);
        },
      };
    },
    wake(users) {
      turn.onCommit(() => wakeNow(users));
    },
    wakeRoom(room) {
      turn.onCommit(() => {
        if (waiting.size > 0) wakeNow(joinedMembers(room));
      });
    },
  };
}

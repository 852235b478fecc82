import type { GroupId, Instant } from '@matrix-futures/engine';
import type { Turn } from '@matrix-futures/sqlite';
import { TimerWheel } from '@matrix-futures/timers';

export interface Expired {
  readonly at: Instant;
  readonly group: GroupId;
}

/**
 * When the leases of claimed and staged groups end. A homeserver inside knows neither, a remote one some thousand at
 * worst. Changes are undone with their unit.
 */
export class Leases {
  readonly #turn: Turn;
  readonly #wheel: TimerWheel;
  readonly #slots = new Map<GroupId, { readonly slot: number; readonly end: Instant }>();
  readonly #groups: GroupId[] = [];
  readonly #free: number[] = [];

  constructor(turn: Turn, now: Instant) {
    this.#turn = turn;
    this.#wheel = new TimerWheel({ now, capacity: 64 });
  }

  get size(): number {
    return this.#slots.size;
  }

  /** @param end null: the group has no lease */
  set(group: GroupId, end: Instant | null): void {
    const before = this.#slots.get(group)?.end ?? null;
    if (before === end) return;
    this.#turn.onUndo(() => this.load(group, before));
    this.load(group, end);
  }

  load(group: GroupId, end: Instant | null): void {
    const known = this.#slots.get(group);
    if (end === null) {
      if (known === undefined) return;
      this.#wheel.cancel(known.slot);
      this.#slots.delete(group);
      this.#free.push(known.slot);
      return;
    }
    const slot = known?.slot ?? this.#free.pop() ?? this.#groups.length;
    this.#groups[slot] = group;
    this.#slots.set(group, { slot, end });
    // A lease may end within a millisecond. The wheel knows whole ones: the one it ends in, so as not to be late.
    this.#wheel.set(slot, Math.floor(end));
  }

  /** Takes out what has expired, by end and then id, at most `limit`. `arm` them when they were dealt with. */
  take(now: Instant, limit: number): readonly Expired[] {
    const expired: Expired[] = [];
    const notYet: Expired[] = [];
    this.#wheel.expire(now, limit, (slot) => {
      const group = this.#groups[slot] ?? 0;
      const at = this.#slots.get(group)?.end ?? 0;
      (at <= now ? expired : notYet).push({ at, group });
    });
    for (const { group } of notYet) this.arm(group);
    this.#turn.onUndo(() => {
      for (const { group } of expired) this.arm(group);
    });
    return expired.sort((one, other) => one.at - other.at || one.group - other.group);
  }

  arm(group: GroupId): void {
    this.load(group, this.#slots.get(group)?.end ?? null);
  }

  next(): Instant | null {
    return this.#wheel.next();
  }
}

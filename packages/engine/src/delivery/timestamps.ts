import type { Draft } from '../event.ts';
import type { GroupId } from '../group.ts';

/** More than a user can have pending, so that a whole burst of theirs is told apart. */
const remembered = 4_096;

/**
 * `origin_server_ts` of events, a millisecond for each: where a homeserver forgets transactions, a look knows an event
 * by its sender, room, type, content and this.
 */
export class Timestamps {
  readonly #given = new Map<string, GroupId>();

  /**
   * The wanted millisecond, or the first after it that no other group with an event of that sender, room and type was
   * given. A group that asks again, because its claim was not committed, gets the same.
   */
  give(draft: Draft, wanted: number, group: GroupId): number {
    let timestamp = wanted;
    for (;;) {
      const given = this.#given.get(nameOf(draft, timestamp));
      if (given === undefined || given === group) break;
      timestamp += 1;
    }
    this.note(draft, timestamp, group);
    return timestamp;
  }

  /** What a group was given before a restart. */
  note(draft: Draft, timestamp: number, group: GroupId): void {
    this.#given.set(nameOf(draft, timestamp), group);
    const [oldest] = this.#given.keys();
    if (this.#given.size > remembered && oldest !== undefined) this.#given.delete(oldest);
  }
}

function nameOf({ room, sender, type }: Draft, timestamp: number): string {
  return JSON.stringify([timestamp, sender, room, type]);
}

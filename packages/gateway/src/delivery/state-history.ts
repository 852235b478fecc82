import type { Fence, NewState, StateKey, UserId } from '@matrix-futures/engine';
import type { HomeserverKind } from '../kinds/kind.ts';
import type { ShownEvent } from '../upstream/shown-event.ts';
import type { CurrentState, RoomReader } from './room-reader.ts';

/** A key that changed more often than this between two looks is nobody's call membership. */
const longestChain = 200;
/**
 * A thousand events of a busy room. Each page is a request that a leave waits for, and what lies further back was pushed
 * while it was current, and counted then.
 */
const mostPages = 10;

/** The state events of one key, from the current one back to a fence, newest first. */
export interface SinceFence {
  readonly events: readonly ShownEvent[];
  /** They are all since the fence; false: it was not found. */
  readonly complete: boolean;
}

/** What became of a state key since a future was made. */
export class StateHistory {
  readonly #rooms: RoomReader;
  readonly #kind: () => HomeserverKind;

  constructor(rooms: RoomReader, kind: () => HomeserverKind) {
    this.#rooms = rooms;
    this.#kind = kind;
  }

  async fence(key: StateKey, as: UserId): Promise<Fence> {
    const current = await this.#rooms.state(key, as);
    return current.kind === 'event' ? { kind: 'event', event: current.event.event_id } : current;
  }

  /**
   * Ids are compared and nothing else: a redaction keeps the id and invalidates nothing. One's own state may hide
   * somebody else's before it, so that "by others" means every event that is known to be newer than the fence.
   */
  async newState(key: StateKey, as: UserId, fence: Fence): Promise<NewState> {
    const current = await this.#rooms.state(key, as);
    if (current.kind === 'unreadable') return 'unreadable';
    if (current.kind === 'absent' || isFence(current, fence)) return 'none';
    if (fence.kind === 'unreadable' || fence.kind === 'untold') return 'unreadable';
    if (current.event.sender !== as) return 'others';
    const { events, complete } = await this.since(key, as, fence, current.event);
    // Links that do not lead to the fence, as after the homeserver has resolved the state anew, may go on behind it.
    const newer = complete || !this.#kind().linksState ? events : [current.event];
    return newer.some(({ sender }) => sender !== as) ? 'others' : 'own';
  }

  /** Those from `current` back to the fence, which is not among them. */
  since(key: StateKey, as: UserId, fence: Fence, current: ShownEvent): Promise<SinceFence> {
    if (fence.kind === 'unreadable' || fence.kind === 'untold')
      return Promise.resolve({ events: [current], complete: false });
    return this.#kind().linksState
      ? this.#byLinks(key, as, fence, current)
      : this.#byTimeline(key, as, fence, current);
  }

  async #byLinks(key: StateKey, as: UserId, fence: Fence, current: ShownEvent): Promise<SinceFence> {
    const events = [current];
    let last = current;
    while (events.length < longestChain) {
      const id = last.unsigned?.replaces_state;
      if (id === undefined) return { events, complete: fence.kind === 'absent' };
      if (fence.kind === 'event' && fence.event === id) return { events, complete: true };
      const before = await this.#rooms.event(key.room, id, as);
      if (before === null) return { events, complete: false };
      events.push(before);
      last = before;
    }
    return { events, complete: false };
  }

  async #byTimeline(key: StateKey, as: UserId, fence: Fence, current: ShownEvent): Promise<SinceFence> {
    const events = [current];
    let from: string | null = null;
    for (let page = 0; page < mostPages; page += 1) {
      const shown = await this.#rooms.timeline(key.room, as, { types: [key.type] }, from);
      if (shown === null) return { events, complete: false };
      for (const event of shown.events) {
        if (fence.kind === 'event' && event.event_id === fence.event) return { events, complete: true };
        if (event.type === key.type && event.state_key === key.key && event.event_id !== current.event_id)
          events.push(event);
      }
      if (shown.next === null) return { events, complete: fence.kind === 'absent' };
      from = shown.next;
    }
    return { events, complete: false };
  }
}

export function isFence(current: CurrentState, fence: Fence): boolean {
  if (fence.kind === 'event') return current.kind === 'event' && current.event.event_id === fence.event;
  return fence.kind === 'absent' && current.kind === 'absent';
}

import type { RoomId, UserId } from '@matrix-futures/engine';
import type { RoomStore } from '../rooms/room-store.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import type { Range, Timeline } from './timeline.ts';

/** By type and state key. */
export type StateMap = Map<string, StoredEvent>;

/**
 * The state that a response brings a client to, for each key its last event in the range.
 * @param isWhole the timeline has every event of the range, so that nothing needs to be read
 */
export function stateChanges(
  store: RoomStore,
  room: RoomId,
  { after, upTo }: Range,
  timeline: Timeline,
  isWhole: boolean,
): StateMap {
  return byKey(isWhole ? timeline.events : store.stateBetween(room, after, upTo));
}

/**
 * A client that is told the state before the timeline finds the state after it by following the timeline. Where that
 * has an event of a key but not the key's last one, which the user may not see or does not want, the client would end
 * with the wrong one: the timeline then begins behind the last one, and the state before it is right.
 */
export function cutWhereMisleading(timeline: Timeline, state: StateMap): Timeline {
  const shown = new Set(timeline.events.map((event) => event.eventId));
  let cut = 0;
  for (const event of timeline.events) {
    const last = event.stateKey === null ? undefined : state.get(keyOf(event.type, event.stateKey));
    if (last !== undefined && !shown.has(last.eventId)) cut = Math.max(cut, last.position);
  }
  if (cut === 0) return timeline;
  return { events: timeline.events.filter((event) => event.position > cut), limited: true, start: cut };
}

/**
 * Turns the state after the timeline into the state before it: where the timeline has an event of a key, its own come
 * later and lead to the end. Keys whose last event is not in the timeline keep that last event: a client has no other
 * way to learn of it.
 * @param after keys that did not change after this position and before the timeline are left out; 0: none is
 */
export function rewind(
  store: RoomStore,
  room: RoomId,
  state: StateMap,
  timeline: Timeline,
  after: number,
): StateMap {
  const before: StateMap = new Map(state);
  for (const event of timeline.events) {
    if (event.stateKey === null) continue;
    const key = keyOf(event.type, event.stateKey);
    const earlier =
      timeline.start <= after
        ? undefined
        : store.stateEventAt(room, event.type, event.stateKey, timeline.start);
    if (earlier !== undefined && earlier.position > after) before.set(key, earlier);
    else before.delete(key);
  }
  return before;
}

/**
 * Lazy loading (client-server API, "Lazy-loading room members"): members are told where they are needed. Nothing is
 * remembered of what a client was told before: a member it knows already may come again.
 */
export function addMembers(
  store: RoomStore,
  room: RoomId,
  state: StateMap,
  needed: Iterable<UserId>,
  position: number,
): void {
  for (const user of needed) {
    const key = keyOf('m.room.member', user);
    if (state.has(key)) continue;
    const member = store.stateEventAt(room, 'm.room.member', user, position);
    if (member !== undefined) state.set(key, member);
  }
}

/** With the length in front no two pairs are the same text, whatever characters they are made of. */
function keyOf(type: string, stateKey: string): string {
  return `${type.length} ${type}${stateKey}`;
}

/** @param events oldest first: of each key the last one stays */
export function byKey(events: readonly StoredEvent[]): StateMap {
  const state: StateMap = new Map();
  for (const event of events) {
    if (event.stateKey !== null) state.set(keyOf(event.type, event.stateKey), event);
  }
  return state;
}

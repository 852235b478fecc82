import type { JsonObject, RoomId, UserId } from '@matrix-futures/engine';
import type { EventTest } from '../filters/event-test.ts';
import { contentOf, type StoredEvent } from '../rooms/stored-event.ts';
import type { Sees } from '../rooms/visibility.ts';
import { formatToken } from '../stream/token.ts';
import { addMembers, cutWhereMisleading, rewind, stateChanges, type StateMap } from './state-changes.ts';
import type { Summary } from './summary.ts';
import { isMeant } from './sync-filter.ts';
import type { Snapshot, SyncParts } from './sync-parts.ts';
import { readTimeline, type Range, type Timeline } from './timeline.ts';

/** A part of a room's life, as a response tells it. */
export interface History {
  readonly timeline: Timeline;
  readonly state: readonly StoredEvent[];
  /** null: nothing in it changed */
  readonly summary: Summary | null;
}

/** Which part of a room is told, and to whom. */
export interface Span extends Range {
  readonly room: RoomId;
  /** all state is told; otherwise what changed in the range */
  readonly whole: boolean;
  /** null: the user was in the room all the time and sees everything */
  readonly sees: Sees | null;
  /**
   * how far the client may have been told of the room: members that changed since are told even where they are loaded
   * lazily; null: of nothing
   */
  readonly told: number | null;
}

/** Types that a summary is made of. */
const summarized = new Set(['m.room.member', 'm.room.name', 'm.room.canonical_alias']);

export function readHistory(parts: SyncParts, snapshot: Snapshot, span: Span): History {
  const { store } = parts;
  const { filter, viewer, stateField } = snapshot;
  const { room, upTo, whole } = span;
  const shows = allOf([span.sees, wanted(snapshot.ignored), stored(filter.timeline.events)]);
  const timeline: Timeline = isMeant(filter.timeline, room)
    ? readTimeline(store, room, span, filter.limit, shows)
    : { events: [], limited: false, start: upTo };
  const isWhole = shows === null && !timeline.limited && isMeant(filter.timeline, room);
  const state = whole
    ? parts.wholeState(room, upTo, !filter.lazyMembers)
    : stateChanges(store, room, span, timeline, isWhole);
  const summary = whole || has(state, summarized) ? parts.summarize(room, viewer.user) : null;
  if (filter.lazyMembers) addMembers(store, room, state, new Set(needed()), upTo);
  const told = (from: Timeline, of: StateMap): History => {
    const events = isMeant(filter.state, room) ? listed(of, filter.state.events) : [];
    return { timeline: from, state: events, summary };
  };
  if (stateField !== 'state') return told(timeline, state);
  const leading = cutWhereMisleading(timeline, state);
  return told(leading, rewind(store, room, state, leading, whole ? 0 : span.after));

  /** Of the members that lazy loading leaves out, those it may not. */
  function needed(): UserId[] {
    const shown = [...namedIn(timeline.events), ...(summary?.heroes ?? [])];
    if (!whole) return shown;
    const changed = span.told === null ? [] : store.stateBetween(room, span.told, upTo);
    return [viewer.user, ...shown, ...namedIn(changed)];
  }
}

/** Senders, and the members that membership events are about. */
function namedIn(events: readonly StoredEvent[]): UserId[] {
  return events.flatMap(({ type, stateKey, sender }) =>
    type === 'm.room.member' && stateKey !== null ? [sender, stateKey] : [sender],
  );
}

/** The two fields of a room that hold its history. */
export function historyFields(
  { events }: SyncParts,
  { viewer, stateField }: Snapshot,
  { timeline, state }: History,
): JsonObject {
  const show = (event: StoredEvent) => events.inRoom(event, viewer);
  return {
    timeline: {
      events: timeline.events.map(show),
      limited: timeline.limited,
      prev_batch: formatToken(timeline.start),
    },
    [stateField]: { events: state.map(show) },
  };
}

type StoredEventTest = (event: StoredEvent) => boolean;

/** null where every event passes. */
function allOf(tests: readonly (StoredEventTest | null)[]): StoredEventTest | null {
  const asked = tests.filter((test) => test !== null);
  return asked.length === 0 ? null : (event) => asked.every((test) => test(event));
}

/** State is told whoever set it: without it a client's picture of the room would be wrong. */
function wanted(ignored: ReadonlySet<UserId>): StoredEventTest | null {
  return ignored.size === 0 ? null : (event) => event.stateKey !== null || !ignored.has(event.sender);
}

function stored(test: EventTest | null): StoredEventTest | null {
  if (test === null) return null;
  return (event) => test({ type: event.type, sender: event.sender, content: () => contentOf(event) });
}

function has(state: StateMap, types: ReadonlySet<string>): boolean {
  return state.values().some((event) => types.has(event.type));
}

function listed(state: StateMap, test: EventTest | null): readonly StoredEvent[] {
  const events = [...state.values()].sort((one, other) => one.position - other.position);
  const passes = stored(test);
  return passes === null ? events : events.filter(passes);
}

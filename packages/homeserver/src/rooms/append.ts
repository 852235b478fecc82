import type {
  Accepted,
  Draft,
  EventId,
  Refusal,
  Refused,
  RoomId,
  StateKey,
  UserId,
} from '@matrix-futures/engine';
import type { Turn } from '@matrix-futures/sqlite';
import { authEventKeys } from '../auth-rules/auth-event-keys.ts';
import { authorize } from '../auth-rules/authorize.ts';
import { BoundedMap } from '../cache/bounded-map.ts';
import { buildEvent, placeMembers, type BuiltEvent, type EventParts } from '../events/build-event.ts';
import type { SigningKey } from '../events/signing-key.ts';
import type { Notifier } from '../stream/notifier.ts';
import type { Positions } from '../stream/positions.ts';
import { refusal } from './event-form.ts';
import type { EventWriter, Origin } from './event-writer.ts';
import type { Judging } from './judging.ts';
import { applyRedaction } from './redaction.ts';
import type { RoomState } from './room-state.ts';
import type { Room, RoomStore } from './room-store.ts';

/**
 * The one way into a room, for plain sends, state, redactions, memberships, new rooms and futures alike:
 *
 * form → auth events → authorization rules → redaction's own rule → nothing new? → hash and sign → insert, projections
 * → position, listeners, wake-ups
 *
 * Synchronous, inside the caller's unit; undone with it. Refusals are values.
 */
export interface Append {
  /**
   * A state event that says what the same sender's current one says makes no new event: the id is that one's, nobody
   * is woken, and no listener hears of it. It is authorized all the same.
   * @param timestamp `origin_server_ts`, unless the draft's extras name one
   */
  append(draft: Draft, timestamp: number, origin?: Origin): Accepted | Refused;
  /** The first event of a room, and with it the room. */
  appendCreate(create: NewRoom, timestamp: number): CreatedRoom | Refused;
}

export interface CreatedRoom extends Accepted {
  readonly room: RoomId;
}

/** What makes a room: its create event, and how it is kept. */
export interface NewRoom {
  readonly creator: UserId;
  readonly version: Room['version'];
  /** null: the id is the event's hash (room version 12) */
  readonly id: RoomId | null;
  readonly content: Draft['content'];
  /** listed in the directory of rooms */
  readonly isPublic: boolean;
}

/** Called inside the unit that made the event, once for every new state event, whatever path it came by. */
export type NewStateListener = (key: StateKey, event: EventId, sender: UserId) => void;

export interface AppendParts {
  readonly turn: Turn;
  readonly store: RoomStore;
  readonly state: RoomState;
  readonly judging: Judging;
  readonly writer: EventWriter;
  readonly positions: Positions;
  readonly notifier: Notifier;
  readonly serverName: string;
  readonly signingKey: SigningKey;
  readonly onNewState: NewStateListener;
  /** Called inside the unit that made the event. */
  readonly onEvent: () => void;
}

interface Head {
  readonly eventId: EventId;
  readonly depth: number;
}

/** Rooms whose newest event is kept in memory. */
const keptHeads = 10_000;

/** As long as every room id that is an event's hash. */
const anyHashedId = `!${'0'.repeat(43)}`;

export function createAppend(parts: AppendParts): Append {
  const { turn, store, state, judging, writer, positions, notifier, serverName, signingKey } = parts;
  const signer = { serverName, keyId: signingKey.id };
  const heads = new BoundedMap<RoomId, Head>(keptHeads);

  const headOf = (room: RoomId): Head | undefined => {
    const head = heads.get(room) ?? store.head(room);
    if (head !== undefined) heads.set(room, head);
    return head;
  };

  /** The draft at the end of the room's graph, under the state of now. */
  const place = (
    draft: Draft,
    room: Room,
    timestamp: number,
  ): Omit<EventParts, 'serverName' | 'signingKey'> => {
    const { sender, type, stateKey, content, extras } = draft;
    const head = headOf(draft.room);
    const current = state.of(draft.room);
    const selected = authEventKeys(
      { type, sender, content, ...(stateKey !== null && { state_key: stateKey }) },
      room.version,
    );
    return {
      roomVersion: room.version,
      room: draft.room,
      sender,
      type,
      stateKey,
      content,
      ...(extras.stickyDurationMs !== undefined && { stickyDurationMs: extras.stickyDurationMs }),
      prevEvents: head === undefined ? [] : [head.eventId],
      authEvents: selected.flatMap((key) => current(...key)?.eventId ?? []),
      depth: (head?.depth ?? 0) + 1,
      originServerTs: extras.ts ?? timestamp,
    };
  };

  const write = (room: RoomId, built: BuiltEvent, replaces: EventId | null, origin: Origin): Accepted => {
    const { event, eventId } = built;
    const position = positions.next();
    turn.onUndo(() => heads.delete(room));
    writer.event(built, { position, room, replaces, origin });
    heads.set(room, { eventId, depth: event.depth });
    if (event.state_key !== undefined) stateChanged(room, event.type, event.state_key, eventId, event.sender);
    notifier.wakeRoom(room);
    parts.onEvent();
    return { kind: 'accepted', event: eventId };
  };

  const stateChanged = (room: RoomId, type: string, key: string, event: EventId, sender: UserId): void => {
    state.changed(room, type, key);
    if (type === 'm.room.member') {
      store.membersChanged(room);
      notifier.wake([key]);
    }
    parts.onNewState({ room, type, key }, event, sender);
  };

  const append: Append['append'] = (draft, timestamp, origin = {}) => {
    const room = store.room(draft.room);
    const refuse = (error: Refusal): Refused =>
      refused(judging.worded(error, draft, room === undefined ? null : state.of(draft.room)));

    const malformed = judging.form(draft, signer);
    if (malformed !== null) return refuse(malformed);
    if (room === undefined) return refuse(refusal('forbidden', notInRoom(draft.room)));
    const current =
      draft.stateKey === null ? undefined : store.stateEvent(draft.room, draft.type, draft.stateKey);
    const repeated = current !== undefined && judging.repeats(current, draft) ? current.eventId : null;
    if (repeated !== null && judging.repeatsUnjudged) return { kind: 'accepted', event: repeated };

    const placed = place(draft, room, timestamp);
    const event = placeMembers(placed);
    const rejection = authorize(event, state.of(draft.room), room.version);
    if (rejection !== null) return refuse(refusal('forbidden', rejection.message));
    const redaction = judging.redaction(store, state, room, event, origin);
    if (redaction.kind === 'refused') return refuse(redaction.error);

    if (repeated !== null) return { kind: 'accepted', event: repeated };
    const built = buildEvent({ ...placed, serverName, signingKey });
    const accepted = write(draft.room, built, current?.eventId ?? null, origin);
    if (redaction.target !== null) {
      applyRedaction(writer, state, room, redaction.target, accepted.event);
    }
    return accepted;
  };

  const appendCreate: Append['appendCreate'] = (create, timestamp) => {
    const { creator, version, id, content, isPublic } = create;
    const draft = {
      room: id ?? anyHashedId,
      sender: creator,
      type: 'm.room.create',
      stateKey: '',
      content,
    };
    const malformed = judging.form({ ...draft, extras: {} }, signer);
    if (malformed !== null) return refused(malformed);
    const placed = {
      ...draft,
      room: id,
      roomVersion: version,
      prevEvents: [],
      authEvents: [],
      depth: 1,
      originServerTs: timestamp,
    };
    const rejection = authorize(placeMembers(placed), () => undefined, version);
    if (rejection !== null) return refused(refusal('forbidden', rejection.message));
    const built = buildEvent({ ...placed, serverName, signingKey });
    const room = id ?? `!${built.eventId.slice(1)}`;
    // The same request by the same user in the same millisecond has the same hash: the second room is a little newer.
    if (store.room(room) !== undefined) return appendCreate(create, timestamp + 1);
    writer.room({ id: room, version: version.id, creator, isPublic });
    return { room, ...write(room, built, null, {}) };
  };

  return { append, appendCreate };
}

/** Said of rooms that do not exist, too: whether one does is nobody's business who is not in it. */
export function notInRoom(room: RoomId): string {
  return `You are not in the room ${room}, or it does not exist.`;
}

function refused(error: Refusal): Refused {
  return { kind: 'refused', error };
}

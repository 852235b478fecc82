/**
 * What a future carries: an event that is complete but for what only the room can add (its id, its place in the
 * graph, its signatures).
 */

/** `@local:server` */
export type UserId = string;
/** `!opaque` (room version 12) or `!opaque:server` */
export type RoomId = string;
/** `$` and the reference hash, unpadded URL-safe base64 (room versions 4 and later) */
export type EventId = string;

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Names one piece of a room's state. */
export interface StateKey {
  readonly room: RoomId;
  readonly type: string;
  /** often the empty string */
  readonly key: string;
}

/** An event as its sender handed it over; the room has not judged it yet. */
export interface Draft {
  readonly room: RoomId;
  readonly sender: UserId;
  readonly type: string;
  /** null for a message event */
  readonly stateKey: string | null;
  readonly content: JsonObject;
  /** The other parameters of the plain endpoints, applied when the event is sent. */
  readonly extras: DraftExtras;
}

export interface DraftExtras {
  /** `ts` of an application service: milliseconds since 1970 that become `origin_server_ts` */
  readonly ts?: number;
  /** `org.matrix.msc4354.sticky_duration_ms` */
  readonly stickyDurationMs?: number;
}

/** The state key that a draft would change; null for a message. */
export function stateKeyOf(draft: Draft): StateKey | null {
  return draft.stateKey === null ? null : { room: draft.room, type: draft.type, key: draft.stateKey };
}

/** Do both name the same piece of state? null names none. */
export function sameKey(one: StateKey | null, other: StateKey | null): boolean {
  if (one === null || other === null) return false;
  return one.room === other.room && one.type === other.type && one.key === other.key;
}

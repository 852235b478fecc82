import type { EventId, JsonObject, RoomId, UserId } from '@matrix-futures/engine';

/**
 * An event as servers exchange and this server stores it (Matrix specification, room versions 4 to 12, "Event
 * format"). A type, not an interface, so that it is a `JsonObject` too.
 */
export type Pdu = UnsignedPdu & {
  readonly hashes: { readonly sha256: string };
  readonly signatures: Signatures;
};

/** Server name, then signing key id (`ed25519:VERSION`), then unpadded base64. */
export type Signatures = { readonly [server: string]: { readonly [keyId: string]: string } };

/** An event before it is hashed and signed: all that the authorization rules look at. */
export type UnsignedPdu = {
  /** absent from the create event of a room of version 12, whose hash is the room's id */
  readonly room_id?: RoomId;
  readonly sender: UserId;
  readonly type: string;
  /** present: a state event */
  readonly state_key?: string;
  readonly content: JsonObject;
  /** target of an `m.room.redaction` up to room version 10; later it is in `content` */
  readonly redacts?: EventId;
  /** sticky events (MSC4354); redaction removes it */
  readonly msc4354_sticky?: { readonly duration_ms: number };
  readonly prev_events: readonly EventId[];
  readonly auth_events: readonly EventId[];
  readonly depth: number;
  /** milliseconds since 1970 */
  readonly origin_server_ts: number;
};

import type { EventId, JsonObject, RoomId, UserId } from '@matrix-futures/engine';
import type { RoomVersion } from '../room-versions/room-version.ts';
import { BadEvent } from './bad-event.ts';
import { canonicalJson } from './canonical-json.ts';
import { joinEssential, joinMembers, writeMembers } from './event-json.ts';
import { eventIdOfEssential, sha256 } from './hashes.ts';
import { stringMember, without } from './json-member.ts';
import type { Pdu, UnsignedPdu } from './pdu.ts';
import { signText, type SigningKey } from './signing-key.ts';

/** The largest event, in the form that servers exchange, signatures included, as canonical JSON (Matrix
 * specification, client-server API, "Size limits"). */
export const maxEventBytes = 65_536;

/** The longest type, state key, sender, room id and event id, in bytes of UTF-8. */
export const maxMemberBytes = 255;

/** All that makes an event. */
export interface EventParts {
  readonly roomVersion: RoomVersion;
  /** null only for the create event of a room whose id is that event's hash (version 12) */
  readonly room: RoomId | null;
  readonly sender: UserId;
  readonly type: string;
  /** null for a message event */
  readonly stateKey: string | null;
  /** A redaction names its target here, as `redacts`, in every room version; it is put where that version wants it. */
  readonly content: JsonObject;
  /** MSC4354 */
  readonly stickyDurationMs?: number;
  readonly prevEvents: readonly EventId[];
  readonly authEvents: readonly EventId[];
  /** one more than the largest of the previous events; 1 for the create event */
  readonly depth: number;
  /** milliseconds since 1970 */
  readonly originServerTs: number;
  readonly serverName: string;
  readonly signingKey: SigningKey;
}

/** An event that is complete: hashed, signed, and named. */
export interface BuiltEvent {
  readonly event: Pdu;
  readonly eventId: EventId;
  /** `event` as canonical JSON: what to store, at most `maxEventBytes` long */
  readonly json: string;
}

/**
 * Hashes and signs an event (Matrix specification, server-server API, "Signing Events").
 * @throws BadEvent malformed or too large
 */
export function buildEvent(parts: EventParts): BuiltEvent {
  const { roomVersion, serverName, signingKey } = parts;
  const unsigned = placeMembers(parts);
  const body = writeMembers(unsigned);
  const hashes = { sha256: sha256(joinMembers(body)) };
  const hashed = { ...body, hashes: canonicalJson(hashes) };
  const essential = joinEssential(hashed, unsigned, roomVersion);
  const signatures = { [serverName]: { [signingKey.id]: signText(essential, signingKey) } };
  const json = joinMembers({ ...hashed, signatures: canonicalJson(signatures) });
  if (Buffer.byteLength(json) > maxEventBytes) {
    throw new BadEvent('too-large', `The event is larger than ${maxEventBytes} bytes.`);
  }
  return { event: { ...unsigned, hashes, signatures }, eventId: eventIdOfEssential(essential), json };
}

/** Names and places an event's parts as its room version has them. */
export function placeMembers(parts: Omit<EventParts, 'serverName' | 'signingKey'>): UnsignedPdu {
  const { room, stateKey, stickyDurationMs } = parts;
  const redaction = parts.type === 'm.room.redaction' ? placeTarget(parts) : { content: parts.content };
  const event: UnsignedPdu = {
    ...(room === null ? {} : { room_id: room }),
    sender: parts.sender,
    type: parts.type,
    ...(stateKey === null ? {} : { state_key: stateKey }),
    ...redaction,
    ...(stickyDurationMs === undefined ? {} : { msc4354_sticky: { duration_ms: stickyDurationMs } }),
    prev_events: parts.prevEvents,
    auth_events: parts.authEvents,
    depth: parts.depth,
    origin_server_ts: parts.originServerTs,
  };
  for (const name of ['room_id', 'sender', 'type', 'state_key'] as const) {
    if (Buffer.byteLength(event[name] ?? '') > maxMemberBytes) {
      throw new BadEvent('too-large', `${name} is longer than ${maxMemberBytes} bytes.`);
    }
  }
  return event;
}

function placeTarget({
  content,
  roomVersion,
}: Pick<EventParts, 'content' | 'roomVersion'>): Pick<UnsignedPdu, 'redacts' | 'content'> {
  const target = stringMember(content, 'redacts');
  if (target === undefined || roomVersion.redacts === 'content') return { content };
  return { redacts: target, content: without(content, 'redacts') };
}

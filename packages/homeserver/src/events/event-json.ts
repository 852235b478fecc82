import type { RoomVersion } from '../room-versions/room-version.ts';
import { canonicalInteger, canonicalJson, canonicalString, maxJsonDepth } from './canonical-json.ts';
import type { UnsignedPdu } from './pdu.ts';
import { redactContent } from './redact.ts';

/**
 * An event is written three times: for its content hash, redacted for its id and signature, and whole. These write
 * each member once and join them anew, which is the same text as `canonicalJson` of the three objects and a third of
 * the work for a large content.
 */
type WrittenMembers = { readonly [name in (typeof names)[number]]?: string };

/** All members that an event built here can have, by code point. */
const names = [
  'auth_events',
  'content',
  'depth',
  'hashes',
  'msc4354_sticky',
  'origin_server_ts',
  'prev_events',
  'redacts',
  'room_id',
  'sender',
  'signatures',
  'state_key',
  'type',
] as const;

/** @throws BadEvent malformed */
export function writeMembers(event: UnsignedPdu): WrittenMembers {
  return {
    auth_events: canonicalJson(event.auth_events),
    content: canonicalJson(event.content, maxJsonDepth - 1),
    depth: canonicalInteger(event.depth),
    ...(event.msc4354_sticky && { msc4354_sticky: canonicalJson(event.msc4354_sticky) }),
    origin_server_ts: canonicalInteger(event.origin_server_ts),
    prev_events: canonicalJson(event.prev_events),
    ...(event.redacts !== undefined && { redacts: canonicalString(event.redacts) }),
    ...(event.room_id !== undefined && { room_id: canonicalString(event.room_id) }),
    sender: canonicalString(event.sender),
    ...(event.state_key !== undefined && { state_key: canonicalString(event.state_key) }),
    type: canonicalString(event.type),
  };
}

/** The event of these members as canonical JSON. */
export function joinMembers(written: WrittenMembers, isKept: (name: string) => boolean = () => true): string {
  let text = '';
  for (const name of names) {
    const value = written[name];
    if (value !== undefined && isKept(name)) text += `${text === '' ? '{' : ','}"${name}":${value}`;
  }
  return text + '}';
}

/** The same of the event when it is redacted: `essentialJson` of `hashes.ts`, from members that are written already. */
export function joinEssential(written: WrittenMembers, event: UnsignedPdu, version: RoomVersion): string {
  const content = redactContent(event.type, event.content, version);
  const left = content === event.content ? written : { ...written, content: canonicalJson(content) };
  return joinMembers(left, (name) => version.redaction.members.has(name));
}

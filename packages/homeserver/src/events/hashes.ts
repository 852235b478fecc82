import { hash } from 'node:crypto';
import type { EventId, JsonObject } from '@matrix-futures/engine';
import type { RoomVersion } from '../room-versions/room-version.ts';
import { withoutPadding } from './base64.ts';
import { canonicalJson } from './canonical-json.ts';
import { without } from './json-member.ts';
import { redact } from './redact.ts';

/**
 * SHA-256 over the whole event but for what is added or changed later, in unpadded base64: `hashes.sha256` (Matrix
 * specification, server-server API, "Calculating the content hash for an event").
 * @throws BadEvent where the event has no canonical form
 */
export function contentHash(event: JsonObject): string {
  return sha256(canonicalJson(without(event, 'unsigned', 'signatures', 'hashes')));
}

/** `$` and the reference hash: SHA-256 over the redacted event with its content hash, so that the id outlives a
 * redaction (server-server API, "Calculating the reference hash for an event"; room version 4, "Event IDs"). */
export function eventIdOf(event: JsonObject, version: RoomVersion): EventId {
  return eventIdOfEssential(essentialJson(event, version));
}

/** The text that both the event's id and its signatures are made over. */
export function essentialJson(event: JsonObject, version: RoomVersion): string {
  return canonicalJson(without(redact(event, version), 'signatures', 'unsigned'));
}

/** The id, by the text of `essentialJson`. */
export function eventIdOfEssential(essential: string): EventId {
  return '$' + hash('sha256', essential, 'base64url');
}

/** @returns unpadded base64 */
export function sha256(text: string): string {
  return withoutPadding(hash('sha256', text, 'base64'));
}

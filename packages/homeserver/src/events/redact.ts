import type { JsonObject, JsonValue } from '@matrix-futures/engine';
import type { Mask, RoomVersion } from '../room-versions/room-version.ts';
import { isObject, objectMember, stringMember } from './json-member.ts';
import type { Pdu } from './pdu.ts';

/**
 * What redaction leaves of an event: the members that hold the graph together, and of the content what the
 * authorization rules read (Matrix specification, room versions 9 and 11, "Redactions"). Hashes and signatures stay
 * valid: they were made over this form. Redacting twice is redacting once.
 */
export function redact(event: Pdu, version: RoomVersion): Pdu;
export function redact(event: JsonObject, version: RoomVersion): JsonObject;
export function redact(event: JsonObject, version: RoomVersion): JsonObject {
  const { members } = version.redaction;
  const left = Object.fromEntries(Object.entries(event).filter(([name]) => members.has(name)));
  const content = objectMember(event, 'content') ?? {};
  return { ...left, content: redactContent(stringMember(event, 'type') ?? '', content, version) };
}

/** The part of `redact` that looks at the content. */
export function redactContent(type: string, content: JsonObject, version: RoomVersion): JsonObject {
  const mask = version.redaction.content.get(type);
  if (mask === 'everything') return content;
  return mask === undefined ? {} : keep(mask, content);
}

function keep(mask: Mask, object: JsonObject): JsonObject {
  const left: [string, JsonValue][] = [];
  for (const [name, value] of Object.entries(object)) {
    const inner = Object.hasOwn(mask, name) ? mask[name] : undefined;
    if (inner === true) left.push([name, value]);
    else if (inner !== undefined && isObject(value)) left.push([name, keep(inner, value)]);
  }
  return Object.fromEntries(left);
}

/** The event that a redaction wants to redact, wherever its room version puts that; undefined: it names none. */
export function redactionTarget(
  event: { readonly type: string; readonly content: JsonObject; readonly redacts?: string },
  version: RoomVersion,
): string | undefined {
  if (event.type !== 'm.room.redaction') return undefined;
  return version.redacts === 'event' ? event.redacts : stringMember(event.content, 'redacts');
}

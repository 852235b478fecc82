import type { Draft, JsonValue, Refusal } from '@matrix-futures/engine';
import type { HomeserverKind } from '../kinds/kind.ts';
import { redactedBy } from './attempt.ts';

/** Client-server specification, "Size limits": of a whole event; of its type and state key, and of ids. */
const maxEventBytes = 65_536;
const maxNameBytes = 255;

/** Specification appendices, "Room IDs" and "Event IDs". */
const roomId = /^!./s;
const eventId = /^\$./s;

/**
 * What every homeserver would refuse, or one of that kind, told when it is scheduled and not when it is too late. What
 * depends on the room is the homeserver's to judge, when it is sent.
 *
 * All that becomes a part of a path is among it: a homeserver that answers nothing to a path that is too long, or that
 * another path is made of on the way, would be asked again and again.
 */
export function judgeForm(draft: Draft, { wantsWholeMessages }: HomeserverKind): Refusal | null {
  const { room, type, stateKey, content } = draft;
  if (!isId(room, roomId)) return invalid('The room id is none');
  if (isStep(type) || isStep(stateKey))
    return invalid('An event whose type or state key is . or .. cannot be named by a path');
  if (Buffer.byteLength(type) > maxNameBytes)
    return tooLarge(`The event type is longer than ${maxNameBytes} bytes`);
  if (stateKey !== null && Buffer.byteLength(stateKey) > maxNameBytes)
    return tooLarge(`The state key is longer than ${maxNameBytes} bytes`);
  const bytes = Buffer.byteLength(JSON.stringify({ ...draft, extras: undefined }));
  if (bytes > maxEventBytes)
    return tooLarge(`The event has ${bytes} bytes; the room takes ${maxEventBytes} at most`);
  if (!isCanonical(content))
    return {
      status: 400,
      errcode: 'M_BAD_JSON',
      error: 'Numbers in an event are whole and between -(2^53)+1 and (2^53)-1',
    };
  if (type === 'm.room.redaction' && typeof content['redacts'] !== 'string')
    return {
      status: 400,
      errcode: 'M_MISSING_PARAM',
      error: 'A redaction names in `redacts` what it redacts',
    };
  const redacts = redactedBy(draft);
  if (redacts !== null && !isId(redacts, eventId))
    return invalid('What the redaction `redacts` is no event id');
  const missing = wantsWholeMessages ? missingIn(draft) : undefined;
  if (missing !== undefined)
    return { status: 400, errcode: 'M_UNKNOWN', error: `A message has a \`${missing}\` that is a string` };
  return null;
}

/** What a message must have (client-server specification, "m.room.message"), and this one has not. */
function missingIn({ type, stateKey, content }: Draft): string | undefined {
  if (type !== 'm.room.message' || stateKey !== null) return undefined;
  return ['body', 'msgtype'].find((name) => typeof content[name] !== 'string');
}

const isId = (text: string, form: RegExp): boolean =>
  form.test(text) && Buffer.byteLength(text) <= maxNameBytes;

/** Taken for a step in the path by whatever normalises URLs; percent-encoded, too (WHATWG URL Standard, 4.4). */
const isStep = (segment: string | null): boolean => segment === '.' || segment === '..';

/** Canonical JSON has no fractions and no numbers beyond what a double holds exactly. */
function isCanonical(value: JsonValue): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(isCanonical);
}

const invalid = (error: string): Refusal => ({ status: 400, errcode: 'M_INVALID_PARAM', error });
const tooLarge = (error: string): Refusal => ({ status: 413, errcode: 'M_TOO_LARGE', error });

import type { Draft, JsonValue, Refusal } from '@matrix-futures/engine';

/** Client-server specification, "Size limits": of a whole event, and of its type and state key. */
const maxEventBytes = 65_536;
const maxNameBytes = 255;

/**
 * What every homeserver would refuse, told when it is scheduled and not when it is too late. What depends on the room
 * is the homeserver's to judge, when it is sent.
 */
export function judgeForm(draft: Draft): Refusal | null {
  const { type, stateKey, content } = draft;
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
  return null;
}

/** Canonical JSON has no fractions and no numbers beyond what a double holds exactly. */
function isCanonical(value: JsonValue): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(isCanonical);
}

const tooLarge = (error: string): Refusal => ({ status: 413, errcode: 'M_TOO_LARGE', error });

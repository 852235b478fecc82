import type { JsonObject, JsonValue } from '@matrix-futures/engine';
import { BadEvent } from './bad-event.ts';
import { isList } from './json-member.ts';

/**
 * How many objects and lists may stand inside one another, the event itself included. The specification has no limit;
 * the JSON reader below several homeservers (Rust's serde_json) refuses beyond 128, and a recursive writer overflows
 * its stack at some thousands.
 */
export const maxJsonDepth = 128;

/**
 * The one text that every server writes for a value: no spaces, keys sorted by Unicode code point, integers within
 * ±(2^53 − 1) only (Matrix specification, appendices, "Canonical JSON"; strict since room version 6).
 * @throws BadEvent malformed: a number that is not such an integer, a lone surrogate, nesting beyond `maxDepth`
 */
export function canonicalJson(value: JsonValue, maxDepth: number = maxJsonDepth): string {
  return write(value, maxDepth);
}

/** A string as canonical JSON writes it, quotes included. */
export function canonicalString(text: string): string {
  if (!text.isWellFormed()) throw new BadEvent('malformed', 'A string holds half of a surrogate pair.');
  return JSON.stringify(text);
}

/** An integer as canonical JSON writes it. Negative zero is zero. */
export function canonicalInteger(number: number): string {
  if (!Number.isSafeInteger(number)) {
    throw new BadEvent('malformed', 'Numbers must be integers between -(2^53 - 1) and 2^53 - 1.');
  }
  return String(number);
}

function write(value: JsonValue, depthLeft: number): string {
  if (typeof value === 'string') return canonicalString(value);
  if (typeof value === 'number') return canonicalInteger(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (value === null) return 'null';
  if (depthLeft === 0) throw new BadEvent('malformed', 'Nested too deeply.');
  return isList(value) ? writeList(value, depthLeft - 1) : writeObject(value, depthLeft - 1);
}

function writeList(list: readonly JsonValue[], depthLeft: number): string {
  let text = '[';
  for (const item of list) {
    if (text.length > 1) text += ',';
    text += write(item, depthLeft);
  }
  return text + ']';
}

function writeObject(object: JsonObject, depthLeft: number): string {
  let text = '{';
  for (const key of sortedKeys(object)) {
    const value = object[key];
    if (value === undefined) continue;
    if (text.length > 1) text += ',';
    text += canonicalString(key) + ':' + write(value, depthLeft);
  }
  return text + '}';
}

const surrogate = /[\ud800-\udfff]/;

/**
 * Keys by Unicode code point. The native order is that of UTF-16 units, in which the surrogates of U+10000 and above
 * (0xD800 to 0xDFFF) come before U+E000 to U+FFFF; it is twice as fast, and right where there are no surrogates.
 */
function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  return keys.some((key) => surrogate.test(key)) ? keys.sort(compareCodePoints) : keys.sort();
}

function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a !== b) return surrogatesLast(a) - surrogatesLast(b);
  }
  return left.length - right.length;
}

function surrogatesLast(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x2800 : unit;
}

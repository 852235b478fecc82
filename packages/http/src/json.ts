import { isUtf8 } from 'node:buffer';
import { MatrixError } from './errors.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Deeper than any event in use, and far from the depth at which recursion over a value ends in a stack overflow. */
const maximumDepth = 100;

/**
 * Reads JSON that a client sent: valid UTF-8 without a byte order mark, at most 100 levels deep, and no half of a
 * surrogate pair in any key or value, since such a string can be neither stored nor hashed as UTF-8. `__proto__` is a
 * key like any other. The numbers that canonical JSON forbids are judged by whoever makes an event of it.
 * @throws MatrixError M_NOT_JSON, M_BAD_JSON
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (!isUtf8(bytes)) throw new MatrixError('notJson', 'The body is not UTF-8');
  const value = parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  judge(value, maximumDepth);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MatrixError('notJson', 'The body is not JSON');
  }
}

function judge(value: unknown, depth: number): void {
  if (typeof value === 'string') return judgeString(value);
  if (typeof value !== 'object' || value === null) return;
  if (depth === 0) throw new MatrixError('badJson', `The body is nested deeper than ${maximumDepth} levels`);
  if (Array.isArray(value)) {
    for (const item of value) judge(item, depth - 1);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    judgeString(key);
    judge(item, depth - 1);
  }
}

function judgeString(text: string): void {
  if (!text.isWellFormed())
    throw new MatrixError('badJson', 'The body has half of a surrogate pair in a string');
}

import type { JsonObject, JsonValue } from '@matrix-futures/engine';

/**
 * Reading JSON whose keys a stranger chose. `object[key]` would find `constructor` and `__proto__` on every object;
 * these see only what the JSON text held.
 */
export function member(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** undefined: it has none, or of another type. */
export function stringMember(object: JsonObject, key: string): string | undefined {
  const value = member(object, key);
  return typeof value === 'string' ? value : undefined;
}

/** undefined: it has none, or of another type. */
export function objectMember(object: JsonObject, key: string): JsonObject | undefined {
  const value = member(object, key);
  return isObject(value) ? value : undefined;
}

/** undefined: it has none, or of another type. */
export function listMember(object: JsonObject, key: string): readonly JsonValue[] | undefined {
  const value = member(object, key);
  return isList(value) ? value : undefined;
}

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy without some of its members. */
export function without(object: JsonObject, ...names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

import type { EventId, JsonObject, JsonValue } from './event.ts';

/**
 * The batch's template variable (text of 6 June 2024, "Batch sending futures with custom endpoint") in its stable and
 * unstable spellings: stands for the event id of `send_now` in string values, never in keys.
 */
export const sendNowVariables: readonly string[] = [
  'm',
  'io.element.msc3140',
  'io.element.msc4140',
  'org.matrix.msc4140',
].map((prefix) => `$${prefix}.send_now.event_id`);

/** An event id is `$` and 43 characters from room version 4 on. */
export const longestEventId: EventId = `$${'x'.repeat(43)}`;

export function mentionsSendNow(value: JsonValue): boolean {
  let found = false;
  mapStrings(value, (text) => {
    found ||= sendNowVariables.some((variable) => text.includes(variable));
    return text;
  });
  return found;
}

/** The content with every variable replaced; nesting and the order of keys stay. */
export function withSendNow(content: JsonObject, event: EventId): JsonObject {
  return mapObject(content, (text) =>
    sendNowVariables.reduce((replaced, variable) => replaced.replaceAll(variable, () => event), text),
  );
}

function mapStrings(value: JsonValue, change: (text: string) => string): JsonValue {
  if (typeof value === 'string') return change(value);
  if (value === null || typeof value !== 'object') return value;
  if (isArray(value)) return value.map((item) => mapStrings(item, change));
  return mapObject(value, change);
}

/** `fromEntries` defines properties instead of assigning them, so that `__proto__` stays an ordinary key. */
function mapObject(object: JsonObject, change: (text: string) => string): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, mapStrings(value, change)]));
}

function isArray(value: JsonObject | readonly JsonValue[]): value is readonly JsonValue[] {
  return Array.isArray(value);
}

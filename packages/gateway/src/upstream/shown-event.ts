import type { Draft, JsonObject } from '@matrix-futures/engine';
import { isDeepStrictEqual } from 'node:util';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';

const object = Type.Record(Type.String(), Type.Unknown());

/** An event as the client-server API shows it; only what recognising one takes. */
const shownEvent = Type.Object({
  event_id: Type.String(),
  sender: Type.String(),
  type: Type.String(),
  state_key: Type.Optional(Type.String()),
  origin_server_ts: Type.Number(),
  content: object,
  redacts: Type.Optional(Type.String()),
  unsigned: Type.Optional(
    Type.Object({
      replaces_state: Type.Optional(Type.String()),
      transaction_id: Type.Optional(Type.String()),
      redacted_because: Type.Optional(object),
    }),
  ),
});
export type ShownEvent = Static<typeof shownEvent>;

const validator = Compile(shownEvent);

/** null: it is none. */
export function readEvent(value: unknown): ShownEvent | null {
  return validator.Check(value) ? value : null;
}

/**
 * Is this the event that a draft became? Sender, type, state key and content are the draft's, and `origin_server_ts` is
 * the one that was asked for, which no other event of that sender, room and type was given. A redaction leaves the rest.
 */
export function isEventOf(event: ShownEvent, draft: Draft, timestamp: number): boolean {
  return (
    event.sender === draft.sender &&
    event.type === draft.type &&
    (event.state_key ?? null) === draft.stateKey &&
    event.origin_server_ts === timestamp &&
    (event.unsigned?.redacted_because !== undefined || hasContent(event, draft.content))
  );
}

/** What a redaction redacts; undefined: it is none. Room versions before 11 have it beside the content. */
export function redactedByEvent({ type, content, redacts }: ShownEvent): unknown {
  return type === 'm.room.redaction' ? (redacts ?? content['redacts']) : undefined;
}

/** In whatever order its keys are. To a membership, homeservers add name and picture of the user's profile. */
function hasContent({ type, content }: ShownEvent, drafted: JsonObject): boolean {
  if (type !== 'm.room.member') return isDeepStrictEqual(content, drafted);
  return Object.entries(drafted).every(([key, value]) => isDeepStrictEqual(content[key], value));
}

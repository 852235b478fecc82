import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';

/**
 * Filters of the client-server API ("Filtering"), as clients write them. Members nobody knows are kept and mean
 * nothing. `event_fields` is accepted and not applied, as the specification allows (a server may send more), and so is
 * `event_format`: events go out in the client's format.
 */

/** Longer lists would only make each event slower to judge. */
const Names = Type.Array(Type.String({ maxLength: 255 }), { maxItems: 1_000 });

const eventFilter = {
  limit: Type.Optional(Type.Integer({ minimum: 0 })),
  types: Type.Optional(Names),
  not_types: Type.Optional(Names),
  senders: Type.Optional(Names),
  not_senders: Type.Optional(Names),
};

export const EventFilter = Type.Object(eventFilter);
export type EventFilter = Static<typeof EventFilter>;

export const RoomEventFilter = Type.Object({
  ...eventFilter,
  rooms: Type.Optional(Names),
  not_rooms: Type.Optional(Names),
  contains_url: Type.Optional(Type.Boolean()),
  lazy_load_members: Type.Optional(Type.Boolean()),
  include_redundant_members: Type.Optional(Type.Boolean()),
  unread_thread_notifications: Type.Optional(Type.Boolean()),
});
export type RoomEventFilter = Static<typeof RoomEventFilter>;

export const Filter = Type.Object({
  event_fields: Type.Optional(Names),
  event_format: Type.Optional(Type.Union([Type.Literal('client'), Type.Literal('federation')])),
  presence: Type.Optional(EventFilter),
  account_data: Type.Optional(EventFilter),
  room: Type.Optional(
    Type.Object({
      rooms: Type.Optional(Names),
      not_rooms: Type.Optional(Names),
      include_leave: Type.Optional(Type.Boolean()),
      timeline: Type.Optional(RoomEventFilter),
      state: Type.Optional(RoomEventFilter),
      ephemeral: Type.Optional(RoomEventFilter),
      account_data: Type.Optional(RoomEventFilter),
    }),
  ),
});
export type Filter = Static<typeof Filter>;

const filter = Compile(Filter);
const roomEventFilter = Compile(RoomEventFilter);

/** @returns null when the text is no JSON or no filter */
export function parseFilter(json: string): Filter | null {
  const value = parseJson(json);
  return filter.Check(value) ? value : null;
}

/** For `filter` of `/messages` and `/context`. @returns null when the text is no JSON or no filter of room events */
export function parseRoomEventFilter(json: string): RoomEventFilter | null {
  const value = parseJson(json);
  return roomEventFilter.Check(value) ? value : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

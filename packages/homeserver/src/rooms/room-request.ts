import type { JsonObject } from '@matrix-futures/engine';
import Type, { type Static } from 'typebox';

const Content = Type.Unsafe<JsonObject>(Type.Object({}));

/** Invites and pieces of state: each is an event, and all events of a new room are one transaction. */
const mostEvents = 1_000;

/** What `POST /createRoom` takes (client-server API, "Creation"). */
export const RoomRequest = Type.Object({
  preset: Type.Optional(
    Type.Union([
      Type.Literal('private_chat'),
      Type.Literal('public_chat'),
      Type.Literal('trusted_private_chat'),
    ]),
  ),
  visibility: Type.Optional(Type.Union([Type.Literal('public'), Type.Literal('private')])),
  room_version: Type.Optional(Type.String()),
  room_alias_name: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  topic: Type.Optional(Type.String()),
  invite: Type.Optional(Type.Array(Type.String(), { maxItems: mostEvents })),
  invite_3pid: Type.Optional(Type.Array(Content)),
  is_direct: Type.Optional(Type.Boolean()),
  creation_content: Type.Optional(Content),
  initial_state: Type.Optional(
    Type.Array(
      Type.Object({ type: Type.String(), state_key: Type.Optional(Type.String()), content: Content }),
      { maxItems: mostEvents },
    ),
  ),
  power_level_content_override: Type.Optional(Content),
});
export type RoomRequest = Static<typeof RoomRequest>;

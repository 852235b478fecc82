import type { JsonObject, RoomId, UserId } from '@matrix-futures/engine';
import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import Type from 'typebox';
import { objectMember, without } from '../events/json-member.ts';
import { requireRoomId } from '../rooms/access.ts';
import type { AccountDataStore } from './account-data-store.ts';
import { requireSelf } from './require-self.ts';

/** The tags of a room are its account data `m.tag`; these change one at a time (client-server API, "Room Tagging"). */
export function tagEndpoints(turn: Turn, accountData: AccountDataStore): readonly Endpoint[] {
  const tagsOf = (user: UserId, room: RoomId): JsonObject =>
    objectMember(accountData.get(user, room, 'm.tag') ?? {}, 'tags') ?? {};
  const change = (user: UserId, room: RoomId, next: (tags: JsonObject) => JsonObject) =>
    turn.unit(() => accountData.set(user, room, 'm.tag', { tags: next(tagsOf(user, room)) }));

  return [
    endpoint({
      method: 'GET',
      paths: client('/user/:userId/rooms/:roomId/tags'),
      authentication: 'required',
      summary: 'Lists the tags of a room',
      handle: async ({ requester, params }) => {
        requireSelf(requester, params.userId);
        requireRoomId(params.roomId);
        return { body: { tags: await turn.unit(() => tagsOf(requester.user, params.roomId)) } };
      },
    }),
    endpoint({
      method: 'PUT',
      paths: client('/user/:userId/rooms/:roomId/tags/:tag'),
      authentication: 'required',
      summary: 'Tags a room',
      body: Type.Unsafe<JsonObject>(Type.Object({ order: Type.Optional(Type.Number()) })),
      handle: async (call) => {
        const { requester, params } = call;
        requireSelf(requester, params.userId);
        requireRoomId(params.roomId);
        const tag = call.body();
        await change(requester.user, params.roomId, (tags) => ({ ...tags, [params.tag]: tag }));
        return {};
      },
    }),
    endpoint({
      method: 'DELETE',
      paths: client('/user/:userId/rooms/:roomId/tags/:tag'),
      authentication: 'required',
      summary: 'Takes a tag off a room',
      handle: async ({ requester, params }) => {
        requireSelf(requester, params.userId);
        requireRoomId(params.roomId);
        await change(requester.user, params.roomId, (tags) => without(tags, params.tag));
        return {};
      },
    }),
  ];
}

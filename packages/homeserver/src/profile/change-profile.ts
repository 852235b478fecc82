import type { JsonObject, JsonValue, UserId } from '@matrix-futures/engine';
import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import Type from 'typebox';
import { requireSelf } from '../account-data/require-self.ts';
import { member } from '../events/json-member.ts';
import { isShownInRooms, requireField, requireValue } from './fields.ts';
import type { MemberEvents } from './member-events.ts';
import type { ProfileStore } from './profile-store.ts';

const paths = client('/profile/:userId/:field');

/** `PUT /profile/{userId}/{keyName}` and `DELETE` (client-server API, "Profiles"). Answered when all rooms show it. */
export function changeProfile(
  turn: Turn,
  profiles: ProfileStore,
  memberEvents: MemberEvents,
): readonly Endpoint[] {
  const change = async (user: UserId, field: string, value: JsonValue): Promise<void> => {
    await turn.unit(() => profiles.set(user, field, value));
    if (isShownInRooms(field)) await memberEvents.follow(user);
  };
  return [
    endpoint({
      method: 'PUT',
      paths,
      authentication: 'required',
      summary: 'Sets a field of the profile',
      body: Type.Unsafe<JsonObject>(Type.Object({})),
      handle: async (call) => {
        const { requester, params } = call;
        requireSelf(requester, params.userId);
        const field = requireField(params.field);
        const value = member(call.body(), field);
        if (value === undefined) throw new MatrixError('missingParam', `The body has no ${field}`);
        await change(requester.user, field, requireValue(field, value));
        return {};
      },
    }),
    endpoint({
      method: 'DELETE',
      paths,
      authentication: 'required',
      summary: 'Clears a field of the profile',
      handle: async ({ requester, params }) => {
        requireSelf(requester, params.userId);
        await change(requester.user, requireField(params.field), null);
        return {};
      },
    }),
  ];
}

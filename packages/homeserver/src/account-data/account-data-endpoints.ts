import type { JsonObject } from '@matrix-futures/engine';
import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import Type from 'typebox';
import type { PushRuleStore } from '../push-rules/push-rule-store.ts';
import { requireRoomId } from '../rooms/access.ts';
import type { AccountDataStore } from './account-data-store.ts';
import { requireSelf } from './require-self.ts';

const paths = client('/user/:userId/account_data/:type', '/user/:userId/rooms/:roomId/account_data/:type');

/** `PUT …/account_data/{type}`, of the account and of a room (client-server API, "Client Config"). */
export function putAccountData(turn: Turn, accountData: AccountDataStore): Endpoint {
  return endpoint({
    method: 'PUT',
    paths,
    authentication: 'required',
    summary: 'Stores account data',
    body: Type.Unsafe<JsonObject>(Type.Object({})),
    handle: async (call) => {
      const { requester, params } = call;
      requireSelf(requester, params.userId);
      const room = roomOf(params.roomId);
      if (params.type === 'm.fully_read' || (params.type === 'm.push_rules' && room === '')) {
        throw new MatrixError(
          { status: 405, errcode: 'M_BAD_JSON' },
          'This type is changed by endpoints of its own',
        );
      }
      const content = call.body();
      await turn.unit(() => accountData.set(requester.user, room, params.type, content));
      return {};
    },
  });
}

/** `GET …/account_data/{type}`, of the account and of a room. */
export function getAccountData(turn: Turn, accountData: AccountDataStore, rules: PushRuleStore): Endpoint {
  return endpoint({
    method: 'GET',
    paths,
    authentication: 'required',
    summary: 'Reads account data',
    handle: async ({ requester, params }) => {
      requireSelf(requester, params.userId);
      const room = roomOf(params.roomId);
      const content = await turn.unit(() =>
        params.type === 'm.push_rules' && room === ''
          ? { global: rules.of(requester.user).ruleset }
          : accountData.get(requester.user, room, params.type),
      );
      if (content === null) throw new MatrixError('notFound', 'No account data of this type');
      return { body: content };
    },
  });
}

/** @returns empty for data of the account as a whole @throws MatrixError `invalidParam` */
function roomOf(room: string | undefined): string {
  if (room === undefined) return '';
  requireRoomId(room);
  return room;
}

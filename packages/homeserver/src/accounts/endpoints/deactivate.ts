import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { removeDevices, type Accounts } from '../accounts.ts';
import { askPassword, Auth } from '../interactive-auth.ts';

/** `POST /account/deactivate`: no login is left, the name stays taken, and the rooms are left. */
export function deactivate(accounts: Accounts): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/account/deactivate'),
    authentication: 'required',
    summary: 'Deactivates the account for good',
    body: Type.Object({ auth: Type.Optional(Auth), erase: Type.Optional(Type.Boolean()) }),
    bodyOptional: true,
    handle: async ({ requester: { user }, body }) => {
      const refused = await askPassword(accounts, user, body().auth);
      if (refused !== null) return refused;
      await accounts.turn.unit(() => {
        accounts.store.deactivate(user, accounts.clock.wall());
        removeDevices(accounts, user, null);
        accounts.onDeactivated(user);
      });
      await accounts.leaveRooms(user);
      return { body: { id_server_unbind_result: 'no-support' } };
    },
  });
}

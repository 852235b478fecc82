import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { removeDevices, type Accounts } from '../accounts.ts';
import { askPassword, Auth } from '../interactive-auth.ts';
import { checkPasswordForm } from '../passwords.ts';

/** `POST /account/password`. The other devices are logged out unless the request says not to. */
export function changePassword(accounts: Accounts): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/account/password'),
    authentication: 'required',
    summary: 'Changes the password',
    body: Type.Object({
      auth: Type.Optional(Auth),
      new_password: Type.String(),
      logout_devices: Type.Optional(Type.Boolean()),
    }),
    handle: async ({ requester: { user, device }, body }) => {
      const { auth, new_password: password, logout_devices: logoutDevices = true } = body();
      checkPasswordForm(password);
      const refused = await askPassword(accounts, user, auth);
      if (refused !== null) return refused;
      const hash = await accounts.passwords.hash(password);
      await accounts.turn.unit(() => {
        // A deactivation that came meanwhile has the last word.
        if (!accounts.store.isActive(user)) return;
        accounts.store.setPassword(user, hash);
        if (logoutDevices) removeDevices(accounts, user, device);
      });
      return {};
    },
  });
}

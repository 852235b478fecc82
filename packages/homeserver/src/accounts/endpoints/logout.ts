import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import { removeDevice, removeDevices, type Accounts } from '../accounts.ts';

/** `POST /logout`: the login and its device. Futures stay: that is when leave events matter. */
export function logout(accounts: Accounts): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/logout'),
    authentication: 'required',
    summary: 'Logs out',
    handle: async ({ requester: { user, device } }) => {
      await accounts.turn.unit(() => {
        if (device !== null) removeDevice(accounts, user, device);
      });
      return {};
    },
  });
}

/** `POST /logout/all` */
export function logoutAll(accounts: Accounts): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/logout/all'),
    authentication: 'required',
    summary: 'Logs out on all devices',
    handle: async ({ requester: { user } }) => {
      await accounts.turn.unit(() => removeDevices(accounts, user, null));
      return {};
    },
  });
}

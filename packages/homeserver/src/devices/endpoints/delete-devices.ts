import type { UserId } from '@matrix-futures/engine';
import { client, endpoint, type Answer, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { removeDevice, type Accounts } from '../../accounts/accounts.ts';
import { askPassword, Auth } from '../../accounts/interactive-auth.ts';

/** `DELETE /devices/{deviceId}`: a device and its login, for the password. */
export function deleteDevice(accounts: Accounts): Endpoint {
  return endpoint({
    method: 'DELETE',
    paths: client('/devices/:deviceId'),
    authentication: 'required',
    summary: 'Deletes a device',
    body: Type.Object({ auth: Type.Optional(Auth) }),
    bodyOptional: true,
    handle: ({ requester: { user }, params, body }) => remove(accounts, user, [params.deviceId], body().auth),
  });
}

/** `POST /delete_devices` */
export function deleteDevices(accounts: Accounts): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/delete_devices'),
    authentication: 'required',
    summary: 'Deletes several devices',
    body: Type.Object({
      auth: Type.Optional(Auth),
      devices: Type.Array(Type.String(), { maxItems: 1_000 }),
    }),
    handle: ({ requester: { user }, body }) => {
      const { auth, devices } = body();
      return remove(accounts, user, devices, auth);
    },
  });
}

async function remove(
  accounts: Accounts,
  user: UserId,
  devices: readonly string[],
  auth: Auth | undefined,
): Promise<Answer> {
  const refused = await askPassword(accounts, user, auth);
  if (refused !== null) return refused;
  await accounts.turn.unit(() => {
    for (const device of devices) removeDevice(accounts, user, device);
  });
  return {};
}

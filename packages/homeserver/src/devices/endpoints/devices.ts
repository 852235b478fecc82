import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import type { Accounts } from '../../accounts/accounts.ts';
import type { Device } from '../device-store.ts';

/** `GET /devices` (client-server API, "Device Management") */
export function getDevices(accounts: Accounts): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/devices'),
    authentication: 'required',
    summary: "Lists the user's devices",
    handle: async ({ requester: { user } }) => {
      const devices = await accounts.turn.unit(() => accounts.devices.list(user));
      return { body: { devices: devices.map(shown) } };
    },
  });
}

/** `GET /devices/{deviceId}` */
export function getDevice(accounts: Accounts): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/devices/:deviceId'),
    authentication: 'required',
    summary: 'Reads a device',
    handle: async ({ requester: { user }, params: { deviceId } }) => {
      const device = await accounts.turn.unit(() => accounts.devices.find(user, deviceId));
      if (device === undefined) throw new MatrixError('notFound', 'You have no such device.');
      return { body: shown(device) };
    },
  });
}

/** `PUT /devices/{deviceId}` */
export function renameDevice(accounts: Accounts): Endpoint {
  return endpoint({
    method: 'PUT',
    paths: client('/devices/:deviceId'),
    authentication: 'required',
    summary: 'Names a device',
    body: Type.Object({ display_name: Type.Optional(Type.String({ maxLength: 255 })) }),
    handle: async ({ requester: { user }, params: { deviceId }, body }) => {
      const { display_name: name } = body();
      await accounts.turn.unit(() => {
        if (accounts.devices.find(user, deviceId) === undefined) {
          throw new MatrixError('notFound', 'You have no such device.');
        }
        if (name !== undefined) accounts.devices.rename(user, deviceId, name);
      });
      return {};
    },
  });
}

function shown({ deviceId, displayName }: Device): { device_id: string; display_name?: string } {
  return { device_id: deviceId, ...(displayName !== null && { display_name: displayName }) };
}

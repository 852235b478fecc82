import type { Endpoint } from '@matrix-futures/http';
import { deleteDevice, deleteDevices } from '../devices/endpoints/delete-devices.ts';
import { getDevice, getDevices, renameDevice } from '../devices/endpoints/devices.ts';
import type { Accounts } from './accounts.ts';
import { changePassword } from './endpoints/change-password.ts';
import { deactivate } from './endpoints/deactivate.ts';
import { getLoginFlows, postLogin } from './endpoints/login.ts';
import { logout, logoutAll } from './endpoints/logout.ts';
import { getAvailable, register } from './endpoints/register.ts';
import { sharedSecretRegister } from './endpoints/shared-secret-register.ts';
import { getWhoami } from './endpoints/whoami.ts';

/** @param sharedSecret null: no registration by shared secret */
export function accountEndpoints(accounts: Accounts, sharedSecret: string | null): readonly Endpoint[] {
  return [
    register(accounts),
    getAvailable(accounts),
    ...(sharedSecret === null ? [] : sharedSecretRegister(accounts, sharedSecret)),
    getLoginFlows(),
    postLogin(accounts),
    logout(accounts),
    logoutAll(accounts),
    getWhoami(),
    changePassword(accounts),
    deactivate(accounts),
    getDevices(accounts),
    getDevice(accounts),
    renameDevice(accounts),
    deleteDevice(accounts),
    deleteDevices(accounts),
  ];
}

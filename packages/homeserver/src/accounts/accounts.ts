import type { Clock, Randomness, UserId } from '@matrix-futures/engine';
import type { Turn } from '@matrix-futures/sqlite';
import { newDeviceId, type AccessTokens } from '../devices/access-tokens.ts';
import type { ApplicationServices } from '../application-services/services.ts';
import type { DeviceStore } from '../devices/device-store.ts';
import type { RateLimiter } from '../limits/rate-limiter.ts';
import type { AccountStore } from './account-store.ts';
import type { Passwords } from './passwords.ts';

/** What the endpoints of accounts and devices work with. */
export interface Accounts {
  readonly turn: Turn;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly store: AccountStore;
  readonly devices: DeviceStore;
  readonly tokens: AccessTokens;
  readonly passwords: Passwords;
  readonly services: ApplicationServices;
  readonly serverName: string;
  /** `--open-registration` */
  readonly openRegistration: boolean;
  readonly rates: {
    /** new accounts, by address */
    readonly registration: RateLimiter;
    /** passwords tried, by user */
    readonly password: RateLimiter;
    /** passwords tried, by address */
    readonly login: RateLimiter;
  };
  /** called inside the unit that deactivates the account */
  readonly onDeactivated: (user: UserId) => void;
  /** called after it: a user who is gone leaves their rooms */
  readonly leaveRooms: (user: UserId) => Promise<void>;
}

/** What a client says of its device when it logs in. */
export interface DeviceRequest {
  readonly device_id?: string;
  readonly initial_device_display_name?: string;
}

/** What a client is told of its login. */
export interface Login {
  readonly user_id: UserId;
  readonly access_token: string;
  readonly device_id: string;
  /** deprecated; old clients read it */
  readonly home_server: string;
}

/** Inside a unit: a login on a new device, or a new one on an old device, whose former login is void. */
export function logIn(accounts: Accounts, user: UserId, asked: DeviceRequest): Login {
  const device = asked.device_id ?? newDeviceId(accounts.randomness);
  const wall = accounts.clock.wall();
  const displayName = asked.initial_device_display_name ?? null;
  accounts.devices.put(user, { deviceId: device, displayName }, wall);
  return {
    user_id: user,
    access_token: accounts.tokens.issue(user, device, wall),
    device_id: device,
    home_server: accounts.serverName,
  };
}

/** Inside a unit: the devices of a user, and the logins on them, all but one. */
export function removeDevices(accounts: Accounts, user: UserId, but: string | null): void {
  for (const { deviceId } of accounts.devices.list(user)) {
    if (deviceId !== but) removeDevice(accounts, user, deviceId);
  }
}

/** Inside a unit. */
export function removeDevice(accounts: Accounts, user: UserId, device: string): void {
  accounts.tokens.revokeDevice(user, device);
  accounts.devices.delete(user, device);
}

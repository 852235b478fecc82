import type { UserId } from '@matrix-futures/engine';
import { MatrixError, type Asking, type Authenticate, type Requester } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import type { AccountStore } from '../accounts/account-store.ts';
import type { DeviceStore } from '../devices/device-store.ts';
import { covers, type ApplicationService, type ApplicationServices } from './services.ts';

/** Whom a service may say that it acts as. */
export interface Identities {
  /** @throws MatrixError when the service may not act as them, or there is no such user */
  requireUser(service: ApplicationService, user: UserId): void | Promise<void>;
  /**
   * @param asked null: the request names none
   * @throws MatrixError 400 `M_UNKNOWN_DEVICE`
   */
  deviceOf(user: UserId, asked: string | null): string | null | Promise<string | null>;
}

export interface IdentityParts {
  readonly turn: Turn;
  readonly accounts: AccountStore;
  readonly devices: DeviceStore;
  /** milliseconds since 1970 */
  readonly wall: () => number;
}

/** Deactivated users can be acted for, as on other servers: their rooms decide. */
export function createIdentities({ accounts, devices }: IdentityParts): Identities {
  return {
    requireUser(service, user) {
      if (!covers(service, user)) {
        throw new MatrixError('forbidden', `Application service cannot masquerade as this user (${user}).`);
      }
      if (accounts.find(user) === undefined) {
        throw new MatrixError('forbidden', `Application service has not registered this user (${user})`);
      }
    },
    deviceOf(user, asked) {
      if (asked === null || devices.find(user, asked) !== undefined) return asked;
      throw new MatrixError(
        { status: 400, errcode: 'M_UNKNOWN_DEVICE' },
        `Application service trying to use a device that doesn't exist ('${asked}' for ${user})`,
      );
    },
  };
}

/** `device_id`, and its name before it was stable (MSC3202) */
const deviceParameters = ['device_id', 'org.matrix.msc3202.device_id'];

/**
 * Who asks: the owner of the token, or, with the token of an application service, whom it says it acts as (application
 * service API, "Identity assertion").
 * @param find the owner of a user's own token
 */
export function createAuthenticate(
  services: ApplicationServices,
  identities: Identities,
  find: (token: string) => Requester | null,
): Authenticate {
  const actingAs = async (
    service: ApplicationService,
    accessToken: string,
    { values }: Asking['query'],
  ): Promise<Requester> => {
    const user = values.get('user_id')?.[0] ?? service.sender;
    if (user !== service.sender) await identities.requireUser(service, user);
    const [asked = null] = deviceParameters.flatMap((name) => values.get(name)?.[0] ?? []);
    const device = await identities.deviceOf(user, asked);
    return { user, device, isGuest: false, isService: true, accessToken };
  };

  return (token, { query }) => {
    const service = services.ofToken(token);
    return service === null ? find(token) : actingAs(service, token, query);
  };
}

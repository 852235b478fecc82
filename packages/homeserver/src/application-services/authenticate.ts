import type { UserId } from '@matrix-futures/engine';
import { MatrixError, type Authenticate, type Requester } from '@matrix-futures/http';
import { covers, type ApplicationService, type ApplicationServices } from './services.ts';

export interface Logins {
  readonly services: ApplicationServices;
  /** the owner of a user's own token */
  readonly find: (token: string) => Requester | null;
  /** There is such an account, active or not. */
  readonly hasAccount: (user: UserId) => boolean;
  readonly hasDevice: (user: UserId, device: string) => boolean;
}

/** `device_id`, and its name before it was stable (MSC4326; before that, MSC3202) */
const deviceParameters = ['device_id', 'org.matrix.msc3202.device_id'];

/**
 * Who asks: the owner of the token, or, with the token of an application service, whom it says it acts as (application
 * service API, "Identity assertion"). Deactivated users can be acted for, as on other servers: their rooms decide.
 */
export function createAuthenticate({ services, find, hasAccount, hasDevice }: Logins): Authenticate {
  const userOf = (service: ApplicationService, asked: string | undefined): UserId => {
    if (asked === undefined) return service.sender;
    if (!covers(service, asked)) {
      throw new MatrixError('forbidden', `Application service cannot masquerade as this user (${asked}).`);
    }
    if (!hasAccount(asked)) {
      throw new MatrixError('forbidden', `Application service has not registered this user (${asked})`);
    }
    return asked;
  };

  const deviceOf = (user: UserId, asked: string | undefined): string | null => {
    if (asked === undefined) return null;
    if (hasDevice(user, asked)) return asked;
    throw new MatrixError(
      { status: 400, errcode: 'M_UNKNOWN_DEVICE' },
      `Application service trying to use a device that doesn't exist ('${asked}' for ${user})`,
    );
  };

  return (token, { query }) => {
    const service = services.ofToken(token);
    if (service === null) return find(token);
    const user = userOf(service, query.values.get('user_id')?.[0]);
    const [name] = deviceParameters.flatMap((parameter) => query.values.get(parameter)?.[0] ?? []);
    return { user, device: deviceOf(user, name), isGuest: false, accessToken: token };
  };
}

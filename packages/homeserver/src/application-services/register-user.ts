import { MatrixError, type Answer, type Requester } from '@matrix-futures/http';
import { logIn, type Accounts, type DeviceRequest } from '../accounts/accounts.ts';
import { registerAccount, requireFreeUserId } from '../accounts/register-account.ts';

export interface ServiceUserRequest extends DeviceRequest {
  readonly username?: string;
  readonly inhibit_login?: boolean;
}

/**
 * An application service registers a user of its namespaces, open registration or not (application service API,
 * "Server admin style permissions"). Such a user has no password.
 * @throws MatrixError 401 `M_MISSING_TOKEN`, 403, `M_EXCLUSIVE` and what registering answers otherwise
 */
export async function registerByService(
  accounts: Accounts,
  requester: Requester | null,
  { username, inhibit_login: inhibitLogin = false, ...device }: ServiceUserRequest,
): Promise<Answer> {
  if (requester === null) throw new MatrixError('missingToken', 'Missing access token');
  const service = accounts.services.ofToken(requester.accessToken);
  if (service === null) {
    throw new MatrixError('forbidden', 'This is not the token of an application service.');
  }
  if (username === undefined) throw new MatrixError('missingParam', 'username is missing.');
  const login = await accounts.turn.unit(() => {
    const free = requireFreeUserId(accounts, username, service);
    const user = registerAccount(accounts, { user: free, password: null, isAdmin: false });
    return inhibitLogin ? { user_id: user, home_server: accounts.serverName } : logIn(accounts, user, device);
  });
  return { body: login };
}

import type { UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import { covers, type ApplicationService } from '../application-services/services.ts';
import type { Accounts } from './accounts.ts';
import { newUserId } from './user-id.ts';

export interface NewAccount {
  /** null: the server chooses a name */
  readonly user: UserId | null;
  /** the hash; null: an account that cannot log in by password */
  readonly password: string | null;
  readonly isAdmin: boolean;
}

/** Inside a unit. @throws MatrixError `M_USER_IN_USE`: while the password was hashed somebody else may have come */
export function registerAccount(accounts: Accounts, { user, password, isAdmin }: NewAccount): UserId {
  const userId = user ?? newUserId(randomName(accounts), accounts.serverName);
  requireFree(accounts, userId);
  accounts.store.create({ userId, password, isAdmin }, accounts.clock.wall());
  return userId;
}

/**
 * @param by the application service that registers its user; null: anybody else
 * @throws MatrixError `M_INVALID_USERNAME`, `M_EXCLUSIVE`, `M_USER_IN_USE`
 */
export function requireFreeUserId(
  accounts: Accounts,
  name: string,
  by: ApplicationService | null = null,
): UserId {
  const user = newUserId(name, accounts.serverName);
  if (accounts.services.isKept(user, by)) {
    throw new MatrixError('exclusive', `${user} is kept for an application service.`);
  }
  if (by !== null && !covers(by, user)) {
    throw new MatrixError('exclusive', `${user} is not in the namespaces of this application service.`);
  }
  requireFree(accounts, user);
  return user;
}

function requireFree({ store }: Accounts, user: UserId): void {
  if (store.find(user) !== undefined) throw new MatrixError('userInUse', `${user} is taken.`);
}

function randomName({ randomness }: Accounts): string {
  return Buffer.from(randomness.bytes(8)).toString('hex');
}

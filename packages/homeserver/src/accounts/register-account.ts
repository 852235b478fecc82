import type { UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
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

/** @throws MatrixError `M_INVALID_USERNAME`, `M_USER_IN_USE` */
export function requireFreeUserId(accounts: Accounts, name: string): UserId {
  const user = newUserId(name, accounts.serverName);
  requireFree(accounts, user);
  return user;
}

function requireFree({ store }: Accounts, user: UserId): void {
  if (store.find(user) !== undefined) throw new MatrixError('userInUse', `${user} is taken.`);
}

function randomName({ randomness }: Accounts): string {
  return Buffer.from(randomness.bytes(8)).toString('hex');
}

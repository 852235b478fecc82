import type { UserId } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';

/** What is kept of an account beside its name. */
export interface Account {
  /** argon2id in PHC form; null: cannot log in by password */
  readonly password: string | null;
  /** milliseconds since 1970; null: active */
  readonly deactivatedAt: number | null;
}

/** Writes are for inside a unit. */
export interface AccountStore {
  find(user: UserId): Account | undefined;
  isActive(user: UserId): boolean;
  create(account: { userId: UserId; password: string | null; isAdmin: boolean }, wall: number): void;
  setPassword(user: UserId, password: string): void;
  /** The row stays, so that nobody else ever gets the name. */
  deactivate(user: UserId, wall: number): void;
}

export function openAccountStore(database: Database): AccountStore {
  const find = database.prepare<[UserId], Account>(
    'SELECT password, deactivated_at AS deactivatedAt FROM account WHERE user_id = ?',
  );
  const create = database.prepare<[UserId, string | null, number, number], never>(
    'INSERT INTO account (user_id, password, is_admin, created_at) VALUES (?, ?, ?, ?)',
  );
  const setPassword = database.prepare<[string, UserId], never>(
    'UPDATE account SET password = ? WHERE user_id = ?',
  );
  const deactivate = database.prepare<[number, UserId], never>(
    'UPDATE account SET password = NULL, deactivated_at = ? WHERE user_id = ?',
  );
  return {
    find: (user) => find.get(user),
    isActive: (user) => find.get(user)?.deactivatedAt === null,
    create: ({ userId, password, isAdmin }, wall) => void create.run(userId, password, Number(isAdmin), wall),
    setPassword: (user, password) => void setPassword.run(password, user),
    deactivate: (user, wall) => void deactivate.run(wall, user),
  };
}

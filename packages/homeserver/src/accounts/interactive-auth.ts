import type { UserId } from '@matrix-futures/engine';
import type { Answer } from '@matrix-futures/http';
import Type, { type Static } from 'typebox';
import type { Accounts } from './accounts.ts';
import { TypedUser, typedUserId } from './user-id.ts';

/**
 * User-interactive authentication (client-server API, of that name), as far as it is needed: every flow here has one
 * stage, so each request carries its whole proof, and a session is a name that is given out and asked for nowhere.
 */
export type Stage = 'm.login.dummy' | 'm.login.password';

export const Auth = Type.Object({
  type: Type.Optional(Type.String()),
  session: Type.Optional(Type.String()),
  identifier: Type.Optional(Type.Object({ type: Type.String(), user: TypedUser })),
  user: TypedUser,
  password: Type.Optional(Type.String()),
});
export type Auth = Static<typeof Auth>;

/** The answer 401 that says what to prove. @param error what was wrong with the proof; null: there was none */
export function challenge(
  accounts: Accounts,
  stage: Stage,
  auth: Auth | undefined,
  error: string | null,
): Answer {
  const session = auth?.session ?? Buffer.from(accounts.randomness.bytes(12)).toString('base64url');
  return {
    status: 401,
    body: {
      flows: [{ stages: [stage] }],
      params: {},
      session,
      ...(error !== null && { errcode: 'M_FORBIDDEN', error }),
    },
  };
}

/**
 * Asks who is logged in for the password once more.
 * @returns null: proved; otherwise the answer
 * @throws MatrixError 429
 */
export async function askPassword(
  accounts: Accounts,
  user: UserId,
  auth: Auth | undefined,
): Promise<Answer | null> {
  if (auth?.type !== 'm.login.password') return challenge(accounts, 'm.login.password', auth, null);
  const named = auth.identifier?.user ?? auth.user;
  if (named !== undefined && typedUserId(named, accounts.serverName) !== user) {
    return challenge(accounts, 'm.login.password', auth, 'That is another user.');
  }
  accounts.rates.password.take(user);
  const hash = accounts.store.find(user)?.password ?? null;
  const right = await accounts.passwords.verify(auth.password ?? '', hash);
  return right ? null : challenge(accounts, 'm.login.password', auth, 'The password is wrong.');
}

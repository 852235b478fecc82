import type { UserId } from '@matrix-futures/engine';
import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import Type, { type Static } from 'typebox';
import { logIn, type Accounts } from '../accounts.ts';
import { deviceRequest } from '../device-request.ts';
import { TypedUser, typedUserId } from '../user-id.ts';

/** `GET /login` (client-server API, "Login") */
export function getLoginFlows(): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/login'),
    authentication: 'none',
    summary: 'Lists the ways to log in',
    handle: () => ({ body: { flows: [{ type: 'm.login.password' }] } }),
  });
}

const LoginRequest = Type.Object({
  type: Type.String(),
  identifier: Type.Optional(Type.Object({ type: Type.String(), user: TypedUser })),
  user: TypedUser,
  password: Type.Optional(Type.String()),
  ...deviceRequest,
});

/** `POST /login`, by password. One answer for a wrong password and for a user who does not exist. */
export function postLogin(accounts: Accounts): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/login'),
    authentication: 'none',
    summary: 'Logs in',
    body: LoginRequest,
    handle: async ({ body, address }) => {
      const { password, ...request } = body();
      const user = userOf(request, accounts.serverName);
      if (password === undefined) throw new MatrixError('missingParam', 'password is missing.');
      accounts.rates.login.take(address);
      accounts.rates.password.take(user);
      const hash = accounts.store.find(user)?.password ?? null;
      const right = await accounts.passwords.verify(password, hash);
      const login = await accounts.turn.unit(() => {
        // While the password was checked it may have been changed, or the account deactivated.
        const account = accounts.store.find(user);
        if (account !== undefined && account.deactivatedAt !== null) {
          throw new MatrixError('userDeactivated', 'This account has been deactivated.');
        }
        if (!right || account?.password !== hash) {
          throw new MatrixError('forbidden', 'The user name or the password is wrong.');
        }
        return logIn(accounts, user, request);
      });
      return { body: login };
    },
  });
}

function userOf(
  request: Pick<Static<typeof LoginRequest>, 'type' | 'identifier' | 'user'>,
  server: string,
): UserId {
  if (request.type !== 'm.login.password') {
    throw new MatrixError(
      'badRequest',
      `There is no way to log in by "${request.type}" here: see GET /login.`,
    );
  }
  if (request.identifier !== undefined && request.identifier.type !== 'm.id.user') {
    throw new MatrixError('badRequest', 'Users are identified by m.id.user here.');
  }
  const named = request.identifier?.user ?? request.user;
  if (named === undefined) throw new MatrixError('missingParam', 'identifier.user is missing.');
  return typedUserId(named, server);
}

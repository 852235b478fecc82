import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import { registerByService } from '../../application-services/register-user.ts';
import { logIn, type Accounts } from '../accounts.ts';
import { deviceRequest } from '../device-request.ts';
import { Auth, challenge } from '../interactive-auth.ts';
import { checkPasswordForm } from '../passwords.ts';
import { registerAccount, requireFreeUserId } from '../register-account.ts';

/**
 * `POST /register` (client-server API, "Account registration"). Closed unless the server was told to open it, but for
 * application services, who register users of their namespaces.
 */
export function register(accounts: Accounts): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/register'),
    authentication: 'optional',
    summary: 'Registers an account',
    query: Type.Object({ kind: Type.Optional(Type.String()) }),
    body: Type.Object({
      type: Type.Optional(Type.String()),
      auth: Type.Optional(Auth),
      username: Type.Optional(Type.String()),
      password: Type.Optional(Type.String()),
      inhibit_login: Type.Optional(Type.Boolean()),
      ...deviceRequest,
    }),
    bodyOptional: true,
    handle: async ({ requester, query, body, address }) => {
      const request = body();
      if (request.type === 'm.login.application_service') {
        return registerByService(accounts, requester, request);
      }
      requireOpen(accounts);
      if (query.kind === 'guest') throw new MatrixError('forbidden', 'This server has no guest accounts.');
      const { auth, username, password, inhibit_login: inhibitLogin = false, ...device } = request;
      if (password !== undefined) checkPasswordForm(password);
      const wanted = username === undefined ? null : requireFreeUserId(accounts, username);
      if (auth?.type !== 'm.login.dummy') return challenge(accounts, 'm.login.dummy', auth, null);

      accounts.rates.registration.take(address);
      const hash = password === undefined ? null : await accounts.passwords.hash(password);
      const login = await accounts.turn.unit(() => {
        const user = registerAccount(accounts, { user: wanted, password: hash, isAdmin: false });
        return inhibitLogin
          ? { user_id: user, home_server: accounts.serverName }
          : logIn(accounts, user, device);
      });
      return { body: login };
    },
  });
}

/** `GET /register/available` */
export function getAvailable(accounts: Accounts): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/register/available'),
    authentication: 'none',
    summary: 'Tells whether a user name is free',
    query: Type.Object({ username: Type.String() }),
    handle: async ({ query, address }) => {
      requireOpen(accounts);
      accounts.rates.login.take(address);
      await accounts.turn.unit(() => requireFreeUserId(accounts, query.username));
      return { body: { available: true } };
    },
  });
}

function requireOpen({ openRegistration }: Accounts): void {
  if (!openRegistration) throw new MatrixError('forbidden', 'Registration is closed on this server.');
}

import { createHmac, timingSafeEqual } from 'node:crypto';
import { endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import type { Instant, Ms } from '@matrix-futures/engine';
import Type, { type Static } from 'typebox';
import { BoundedMap } from '../../cache/bounded-map.ts';
import { logIn, type Accounts } from '../accounts.ts';
import { checkPasswordForm } from '../passwords.ts';
import { registerAccount, requireFreeUserId } from '../register-account.ts';

const paths = ['/_synapse/admin/v1/register'] as const;

const nonceLifetime: Ms = 60_000;
const keptNonces = 1_000;

const Request = Type.Object({
  nonce: Type.String(),
  username: Type.String(),
  password: Type.String(),
  admin: Type.Optional(Type.Boolean()),
  user_type: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  mac: Type.String(),
});

/**
 * Registration by a secret that the operator and a tool share, open or not (Synapse's admin API, "Shared-Secret
 * Registration": test harnesses speak it). A nonce is good for one request.
 */
export function sharedSecretRegister(accounts: Accounts, secret: string): readonly Endpoint[] {
  const nonces = new BoundedMap<string, Instant>(keptNonces);
  const use = (nonce: string): void => {
    const since = nonces.get(nonce);
    nonces.delete(nonce);
    if (since === undefined || accounts.clock.now() - since > nonceLifetime) {
      throw new MatrixError('badRequest', 'The nonce is unknown, used or too old.');
    }
  };

  return [
    endpoint({
      method: 'GET',
      paths,
      authentication: 'none',
      summary: 'Gives out a nonce for registration by shared secret',
      handle: () => {
        const nonce = Buffer.from(accounts.randomness.bytes(32)).toString('hex');
        nonces.set(nonce, accounts.clock.now());
        return { body: { nonce } };
      },
    }),
    endpoint({
      method: 'POST',
      paths,
      authentication: 'none',
      summary: 'Registers an account by shared secret',
      body: Request,
      handle: async ({ body }) => {
        const request = body();
        use(request.nonce);
        if (!isAuthentic(request, secret)) throw new MatrixError('forbidden', 'The mac is wrong.');
        checkPasswordForm(request.password);
        const user = requireFreeUserId(accounts, request.username);
        const password = await accounts.passwords.hash(request.password);
        const login = await accounts.turn.unit(() => {
          registerAccount(accounts, { user, password, isAdmin: request.admin ?? false });
          return logIn(accounts, user, {});
        });
        return { body: login };
      },
    }),
  ];
}

function isAuthentic(request: Static<typeof Request>, secret: string): boolean {
  const { nonce, username, password, admin = false, user_type: userType } = request;
  const parts = [nonce, username, password, admin ? 'admin' : 'notadmin'];
  if (typeof userType === 'string' && userType !== '') parts.push(userType);
  const expected = createHmac('sha1', secret).update(parts.join('\0')).digest();
  const given = Buffer.from(request.mac, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

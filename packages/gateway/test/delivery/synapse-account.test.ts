import { HomeserverUnavailable } from '@matrix-futures/engine';
import { expect, test } from 'vitest';
import { synapseAccounts } from '../../src/delivery/synapse-account.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { startHomeserver, timers, type Reply } from '../homeserver.ts';

/** What is judged of Alice where Synapse answers so, and what the operator is told. */
async function judged(reply: Reply) {
  await using homeserver = await startHomeserver(() => reply);
  const upstream = new Upstream(homeserver.url, timers);
  const troubles: string[] = [];
  const judge = synapseAccounts(upstream, 'token', ({ message }) => troubles.push(message));
  const outcome = await judge('@alice:test').catch((error: unknown) => error);
  upstream.close();
  expect(homeserver.asked).toMatchObject([
    { path: '/_synapse/admin/v2/users/@alice:test', headers: { authorization: 'Bearer token' } },
  ]);
  return { outcome, troubles };
}

test.each(['deactivated', 'locked', 'shadow_banned'])('who is %s is not acted for', async (word) => {
  const { outcome, troubles } = await judged({ status: 200, body: { name: '@alice:test', [word]: true } });
  expect(outcome).toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
  expect(troubles).toEqual([]);
});

test('who is none of these is', async () => {
  const body = { deactivated: false, locked: false, suspended: true, shadow_banned: false };
  expect(await judged({ status: 200, body })).toEqual({ outcome: null, troubles: [] });
});

test('who has no account is not acted for', async () => {
  const body = { errcode: 'M_NOT_FOUND', error: 'User not found' };
  expect(await judged({ status: 404, body })).toMatchObject({ outcome: { status: 403 }, troubles: [] });
});

test.each<NonNullable<Reply>>([
  { status: 404, body: '<html>Not found</html>' },
  { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'Unrecognized request' } },
  { status: 403, body: { errcode: 'M_FORBIDDEN', error: 'You are not a server admin' } },
  { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'Invalid access token' } },
])(
  'an administrators’ API that is not open ($status $body) is the operator’s to mend, and judges nobody',
  async (reply) => {
    const { outcome, troubles } = await judged(reply);
    expect(outcome).toBe(null);
    expect(troubles).toEqual([expect.stringContaining('--synapse-admin-token-file')]);
  },
);

test.each<Reply>([
  null,
  { status: 429, body: {} },
  { status: 500, body: {} },
  { status: 502, body: '<html>' },
])('where it cannot be asked now (%j), nothing is judged yet', async (reply) => {
  const { outcome, troubles } = await judged(reply);
  expect(outcome).toBeInstanceOf(HomeserverUnavailable);
  expect(troubles).toEqual([]);
});

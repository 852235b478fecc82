import { describe, expect, test } from 'vitest';
import type { LoginsChange } from '../../src/proxy/logins.ts';
import { alice, gatewayBefore } from './proxying.ts';

describe('a front for paths', () => {
  const rooms = '/_matrix/client/v3/rooms/!r';

  test.each([
    ['PUT', `${rooms}/send/t/1`],
    ['POST', `${rooms}/send/t`],
    ['PUT', `${rooms}/state/t/k`],
    ['GET', `${rooms}/state/t/k`],
    ['GET', '/_matrix/client/versions'],
    ['GET', '/_matrix/client/r0/capabilities'],
  ])('lets what shares a path with futures through: %s %s', async (method, path) => {
    const { url } = await gatewayBefore((_request, response) => void response.writeHead(299).end('{}'), {
      front: 'paths',
    });
    expect((await fetch(`${url}${path}`, { method })).status).toBe(299);
  });

  test.each([
    ['GET', '/_matrix/client/v3/sync'],
    ['PUT', `${rooms}/redact/$e/1`],
    ['POST', '/_matrix/client/v3/logout'],
    ['GET', '/_synapse/admin/v1/users'],
    ['GET', '/'],
  ])('refuses the rest: %s %s', async (method, path) => {
    let asked = 0;
    const { url } = await gatewayBefore(() => (asked += 1), { front: 'paths' });
    const answer = await fetch(`${url}${path}`, { method });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([404, '*']);
    expect(await answer.json()).toMatchObject({ errcode: 'M_UNRECOGNIZED' });
    expect(asked).toBe(0);
  });
});

test('an upstream that leads back to the gateway is refused, not asked for ever', async () => {
  const seen: (string | undefined)[] = [];
  const { url } = await gatewayBefore(
    (request, response) => {
      seen.push(request.headers.via);
      response.end('{}');
    },
    { front: 'all' },
  );
  const sync = `${url}/_matrix/client/v3/sync`;
  expect((await fetch(sync, { headers: { Via: '1.1 elsewhere' } })).status).toBe(200);
  const [via = ''] = seen;
  expect(via).toContain('1.1 elsewhere');
  const again = await fetch(sync, { headers: { Via: via } });
  expect([again.status, await again.json()]).toEqual([
    502,
    expect.objectContaining({ errcode: 'M_UNKNOWN' }),
  ]);
  expect(seen).toHaveLength(1);
});

describe('what ends logins', () => {
  async function seen(method: string, path: string, status = 200, headers: Record<string, string> = {}) {
    const changes: LoginsChange[] = [];
    const { url } = await gatewayBefore((_request, response) => void response.writeHead(status).end('{}'), {
      onLoginsChange: (change) => changes.push(change),
    });
    await fetch(`${url}/_matrix/client${path}`, { method, headers });
    return changes;
  }
  const authorized = { Authorization: `Bearer ${alice.accessToken}` };

  test.each([
    ['POST', '/v3/logout', 'login'],
    ['POST', '/v3/refresh', 'login'],
    ['POST', '/r0/logout/all', 'user'],
    ['POST', '/v3/delete_devices', 'user'],
    ['DELETE', '/v3/devices/PHONE', 'user'],
    ['POST', '/v3/account/password', 'user'],
    ['POST', '/v3/account/deactivate', 'user'],
  ])('is told when the homeserver agreed: %s %s, of the %s', async (method, path, of) => {
    expect(await seen(method, path, 200, authorized)).toMatchObject([{ of, accessToken: 'alices' }]);
    const [byQuery] = await seen(method, `${path}?access_token=other&user_id=%40bob:test`);
    expect(byQuery).toMatchObject({ of, accessToken: 'other' });
    expect(byQuery?.query.values.get('user_id')).toEqual(['@bob:test']);
    expect(await seen(method, path)).toMatchObject([{ of, accessToken: null }]);
  });

  test.each([401, 403, 429, 500, 302])('is not told when it answers %i', async (status) => {
    for (const path of ['/v3/logout', '/v3/logout/all', '/v3/refresh'])
      expect(await seen('POST', path, status, authorized)).toEqual([]);
  });

  test.each([
    ['GET', '/v3/devices/PHONE'],
    ['POST', '/v3/login'],
    ['PUT', '/v3/devices/PHONE'],
    ['GET', '/v3/logout'],
  ])('is not told of anything else: %s %s', async (method, path) => {
    expect(await seen(method, path, 200, authorized)).toEqual([]);
  });
});

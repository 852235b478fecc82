import { ManualClock } from '@matrix-futures/engine/conformance';
import {
  createServer,
  decodeQuery,
  endpoint,
  MatrixError,
  type Asking,
  type Requester,
} from '@matrix-futures/http';
import { afterEach, describe, expect, test } from 'vitest';
import { type KindName, kinds } from '../../src/kinds/kind.ts';
import type { LoginsChange } from '../../src/proxy/logins.ts';
import { Requesters } from '../../src/requesters/requesters.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { startHomeserver, timers, type Asked, type Homeserver, type Reply } from '../homeserver.ts';

const stack: AsyncDisposable[] = [];
afterEach(async () => {
  for (const opened of stack.splice(0).toReversed()) await opened[Symbol.asyncDispose]();
});

const alice: Reply = { status: 200, body: { user_id: '@alice:test', device_id: 'PHONE', is_guest: false } };
const loggedOut: Reply = {
  status: 401,
  body: { errcode: 'M_UNKNOWN_TOKEN', error: 'Access token has expired', soft_logout: true },
};

interface Subject {
  readonly requesters: Requesters;
  readonly homeserver: Homeserver;
  readonly clock: ManualClock;
  /** @param query of the client's request */
  ask(token?: string, query?: string, headers?: Asking['headers']): Promise<Requester | null>;
}

async function open(
  answer: (asked: Asked) => Reply | Promise<Reply>,
  kind: KindName = 'synapse',
): Promise<Subject> {
  const homeserver = await startHomeserver(answer);
  stack.push(homeserver);
  const clock = new ManualClock();
  const upstream = new Upstream(homeserver.url, timers);
  stack.push({ [Symbol.asyncDispose]: async () => upstream.close() });
  const requesters = new Requesters(upstream, clock, timers, () => kinds[kind]);
  const ask: Subject['ask'] = async (token = 'alices', query = '', headers = {}) =>
    requesters.authenticate(token, { query: decodeQuery(query), headers, address: '192.0.2.7' });
  return { requesters, homeserver, clock, ask };
}

/** What clients get of an endpoint behind that authentication. */
async function answerOf({ requesters }: Subject, authentication: 'required' | 'optional') {
  const server = await createServer({
    endpoints: [
      endpoint({
        method: 'GET',
        paths: ['/me'],
        authentication,
        summary: 'Says who asks',
        handle: ({ requester }) => ({ body: { user: requester?.user ?? null } }),
      }),
    ],
    authenticate: requesters.authenticate,
    timers,
  });
  stack.push({ [Symbol.asyncDispose]: () => server.close() });
  const response = await server.inject({ url: '/me', headers: { authorization: 'Bearer alices' } });
  return { status: response.statusCode, body: response.json() };
}

describe('who is asking', () => {
  test('is the homeserver’s word for the client’s own token', async () => {
    const { ask, homeserver } = await open(() => alice);
    expect(await ask()).toEqual({
      ...{ user: '@alice:test', device: 'PHONE', isGuest: false, accessToken: 'alices' },
    });
    expect(homeserver.asked).toMatchObject([
      { method: 'GET', path: '/_matrix/client/v3/account/whoami', query: {} },
    ]);
    expect(homeserver.asked[0]?.headers.authorization).toBe('Bearer alices');
  });

  test('may be a guest', async () => {
    const { ask } = await open(() => ({ status: 200, body: { user_id: '@1:test', is_guest: true } }));
    expect(await ask()).toMatchObject({ user: '@1:test', isGuest: true });
  });

  test.each([
    ['synapse', undefined, null],
    ['dendrite', 'AS_Device', null],
    // a name that any user may give to a device of their own, and no application service
    ['synapse', 'AS_Device', 'AS_Device'],
    ['other', 'AS_Device', 'AS_Device'],
  ] as const)('on %s with the device %s has the device %s', async (kind, device_id, device) => {
    const answer = { status: 200, body: { user_id: '@alice:test', device_id } };
    const { ask } = await open(() => answer, kind);
    expect(await ask()).toMatchObject({ device });
  });

  test('is asked for with the address and the client that the device is seen by', async () => {
    const { ask, homeserver } = await open(() => alice);
    await ask('one', '', { 'user-agent': 'Element/1' });
    await ask('two', '', { 'x-forwarded-for': '198.51.100.1' });
    expect(
      homeserver.asked.map(({ headers }) => [headers['x-forwarded-for'], headers['user-agent']]),
    ).toEqual([
      ['192.0.2.7', 'Element/1'],
      ['198.51.100.1, 192.0.2.7', undefined],
    ]);
  });

  test('depends on whom an application service acts for, by every parameter that says it', async () => {
    const { ask, homeserver } = await open(({ query }) => ({
      status: 200,
      body: {
        user_id: query['user_id'] ?? '@service:test',
        device_id: query['device_id'] ?? query['org.matrix.msc3202.device_id'],
      },
    }));
    const queries = [
      '',
      'user_id=%40alice:test',
      'user_id=%40bob:test',
      'user_id=%40bob:test&device_id=A',
      'user_id=%40bob:test&org.matrix.msc3202.device_id=B',
    ];
    const rows = [];
    for (const query of [...queries, ...queries]) {
      const requester = await ask('services', `${query}&future_timeout=1`);
      rows.push([requester?.user, requester?.device]);
    }
    const once = [
      ['@service:test', null],
      ['@alice:test', null],
      ['@bob:test', null],
      ['@bob:test', 'A'],
      ['@bob:test', 'B'],
    ];
    expect(rows).toEqual([...once, ...once]);
    expect(homeserver.asked).toHaveLength(5);
  });
});

describe('what was answered is remembered', () => {
  test('for 30 s where it was a user', async () => {
    const { ask, homeserver, clock } = await open(() => alice);
    await ask();
    clock.advance(29_999);
    await ask();
    expect(homeserver.asked).toHaveLength(1);
    clock.advance(1);
    await ask();
    expect(homeserver.asked).toHaveLength(2);
  });

  test('for 10 s where it was 401', async () => {
    const { ask, homeserver, clock } = await open(() => loggedOut);
    await expect(ask()).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
    clock.advance(9_999);
    await expect(ask()).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN', fields: { soft_logout: true } });
    expect(homeserver.asked).toHaveLength(1);
    clock.advance(1);
    await expect(ask()).rejects.toMatchObject({ status: 401 });
    expect(homeserver.asked).toHaveLength(2);
  });

  test('of that token alone', async () => {
    const { ask } = await open(({ headers }) =>
      headers.authorization === 'Bearer alices' ? alice : loggedOut,
    );
    expect(await ask('alices')).toMatchObject({ user: '@alice:test' });
    await expect(ask('eves')).rejects.toMatchObject({ status: 401 });
  });

  test.each([
    { status: 403, body: { errcode: 'M_FORBIDDEN', error: 'No' } },
    { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', error: 'Slow down' } },
    { status: 500, body: { errcode: 'M_UNKNOWN', error: 'Internal server error' } },
    null,
  ])('never where it was %j', async (reply) => {
    let answer: Reply = reply;
    const { ask } = await open(() => answer);
    await expect(ask()).rejects.toBeInstanceOf(MatrixError);
    answer = alice;
    expect(await ask()).toMatchObject({ user: '@alice:test' });
  });
});

const changeOf = (of: LoginsChange['of'], accessToken: string | null, query = ''): LoginsChange => ({
  of,
  accessToken,
  query: decodeQuery(query),
});

describe('when logins end, who they were is asked again', () => {
  const users: Readonly<Record<string, string>> = {
    'Bearer alices': '@alice:test',
    'Bearer alices-other': '@alice:test',
    'Bearer bobs': '@bob:test',
  };
  const tokens = ['alices', 'alices-other', 'bobs', 'made-up'];

  /** Everybody has asked before. @returns who is asked for again afterwards */
  async function askedAgain(change: LoginsChange): Promise<string[]> {
    const { ask, requesters, homeserver } = await open(({ headers }) => {
      const user_id = users[headers.authorization ?? ''];
      return user_id === undefined ? loggedOut : { status: 200, body: { user_id } };
    });
    const askAll = () => Promise.allSettled(tokens.map((token) => ask(token)));
    await askAll();
    const before = homeserver.asked.length;
    requesters.forget(change);
    await askAll();
    return homeserver.asked.slice(before).map(({ headers }) => headers.authorization?.slice(7) ?? '');
  }

  test.each([
    ['of one login: that one', changeOf('login', 'alices'), ['alices']],
    ['of a login that nobody asked for: nobody', changeOf('login', 'new'), []],
    ['by a refresh that does not say whose: nobody', changeOf('login', null), []],
    ['of a user: all of theirs', changeOf('user', 'alices'), ['alices', 'alices-other']],
    ['of a user who is not known: everybody', changeOf('user', 'new'), tokens],
    [
      'of a user whom an application service acts for: everybody',
      changeOf('user', 'alices', 'user_id=b'),
      tokens,
    ],
    ['of a user without a login: everybody', changeOf('user', null), tokens],
  ])('%s', async (_, change, expected) => {
    expect((await askedAgain(change)).toSorted()).toEqual(expected.toSorted());
  });

  test('whoever an application service acts for by a token that ended, too', async () => {
    const { ask, requesters, homeserver } = await open(({ query }) => ({
      status: 200,
      body: { user_id: query['user_id'] },
    }));
    await ask('services', 'user_id=%40alice:test');
    requesters.forget(changeOf('login', 'services'));
    await ask('services', 'user_id=%40alice:test');
    expect(homeserver.asked).toHaveLength(2);
  });

  test.each([
    ['of that login', changeOf('login', 'alices')],
    ['of some user', changeOf('user', 'bobs')],
    ['of nobody who is known', changeOf('user', null)],
  ])('also if they ended while it was on its way: %s', async (_, change) => {
    const first = Promise.withResolvers<Reply>();
    const arrived = Promise.withResolvers<void>();
    const { ask, requesters, homeserver } = await open(({ headers }) => {
      if (headers.authorization === 'Bearer bobs') return { status: 200, body: { user_id: '@bob:test' } };
      if (homeserver.asked.length > 2) return loggedOut;
      arrived.resolve();
      return first.promise;
    });
    await ask('bobs');
    const early = ask();
    await arrived.promise;
    requesters.forget(change);
    // Whoever comes after the logout does not join what was asked before.
    await expect(ask()).rejects.toMatchObject({ status: 401 });
    first.resolve(alice);
    expect(await early).toMatchObject({ user: '@alice:test' });
    await expect(ask()).rejects.toMatchObject({ status: 401 });
    expect(homeserver.asked).toHaveLength(3);
  });

  test('but what is on its way of another login is not asked twice', async () => {
    const reply = Promise.withResolvers<Reply>();
    const arrived = Promise.withResolvers<void>();
    const { ask, requesters, homeserver } = await open(() => {
      arrived.resolve();
      return reply.promise;
    });
    const first = ask('bobs');
    await arrived.promise;
    requesters.forget(changeOf('login', 'alices'));
    const second = ask('bobs');
    reply.resolve(alice);
    await Promise.all([first, second, ask('bobs')]);
    await ask('bobs');
    expect(homeserver.asked).toHaveLength(1);
  });
});

test('many requests of one token at once are one question', async () => {
  const reply = Promise.withResolvers<Reply>();
  const { ask, homeserver } = await open(() => reply.promise);
  const all = Array.from({ length: 20 }, () => ask());
  reply.resolve(alice);
  for (const requester of await Promise.all(all)) expect(requester).toMatchObject({ user: '@alice:test' });
  expect(homeserver.asked).toHaveLength(1);
});

describe('strangers', () => {
  test.each(['€', 'a\r\nX-Injected: 1', 'a b', 'a'.repeat(4_097), ''])(
    'with what was never a token (%j) are nobody, and the homeserver is not asked',
    async (token) => {
      const { ask, homeserver } = await open(() => alice);
      expect(await ask(token)).toBeNull();
      expect(homeserver.asked).toEqual([]);
    },
  );

  test('with tokens that they made up do not drive out whom the homeserver knows', async () => {
    const { ask, homeserver } = await open(({ headers }) =>
      headers.authorization === 'Bearer alices' ? alice : loggedOut,
    );
    await ask('alices');
    for (let from = 0; from <= 10_000; from += 500)
      await Promise.allSettled(Array.from({ length: 500 }, (_, index) => ask(`made-up-${from + index}`)));
    const before = homeserver.asked.length;
    expect(await ask('alices')).toMatchObject({ user: '@alice:test' });
    expect(homeserver.asked).toHaveLength(before);
  });

  test('in thousands at once are told to try again', async () => {
    const reply = Promise.withResolvers<Reply>();
    const { ask } = await open(() => reply.promise);
    const all = Array.from({ length: 1_000 }, (_, index) => ask(`token-${index}`));
    await expect(ask('one-more')).rejects.toMatchObject({ status: 503 });
    reply.resolve(alice);
    await Promise.all(all);
    expect(await ask('one-more')).toMatchObject({ user: '@alice:test' });
  });
});

describe('a refusal reaches the client as the homeserver worded it', () => {
  test.each([
    loggedOut,
    { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'Invalid access token', soft_logout: false } },
    {
      status: 401,
      body: { errcode: 'M_USER_LOCKED', error: 'User account has been locked', soft_logout: true },
    },
    { status: 401, body: { errcode: 'M_MISSING_TOKEN', error: 'Missing access token' } },
    {
      status: 403,
      body: { errcode: 'M_FORBIDDEN', error: 'Application service has not registered this user' },
    },
    { status: 403, body: { errcode: 'M_USER_SUSPENDED', error: 'Suspended', 'org.example.why': 7 } },
  ])('$status $body.errcode', async (reply) => {
    const subject = await open(() => reply);
    for (const authentication of ['required', 'optional'] as const) {
      expect(await answerOf(subject, authentication)).toEqual(reply);
    }
  });
});

describe('where the homeserver cannot say', () => {
  const replies: readonly Reply[] = [
    { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', error: 'Slow down', retry_after_ms: 500 } },
    { status: 500, body: { errcode: 'M_UNKNOWN', error: 'Internal server error' } },
    { status: 502, body: '<html>Bad gateway</html>' },
    { status: 401, body: '<html>Unauthorized</html>' },
    { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'Unrecognized request' } },
    { status: 200, body: '<html>Welcome</html>' },
    { status: 200, body: {} },
    null,
  ];
  test.each(replies.map((reply) => [JSON.stringify(reply), reply] as const))(
    '(%s) nobody is logged out: 503 where a login is needed, nobody where it is not',
    async (_, reply) => {
      const subject = await open(() => reply);
      expect(await answerOf(subject, 'required')).toMatchObject({
        status: 503,
        body: { errcode: 'M_UNKNOWN' },
      });
      expect(await answerOf(subject, 'optional')).toEqual({ status: 200, body: { user: null } });
    },
  );

  test('because it does not answer, a login that is optional is soon done without, and counts the next time', async () => {
    const reply = Promise.withResolvers<Reply>();
    const subject = await open(() => reply.promise);
    expect(await answerOf(subject, 'optional')).toEqual({ status: 200, body: { user: null } });
    reply.resolve(alice);
    expect(await answerOf(subject, 'optional')).toEqual({ status: 200, body: { user: '@alice:test' } });
    expect(subject.homeserver.asked).toHaveLength(1);
  });

  test('because it is away: the same', async () => {
    const subject = await open(() => alice);
    await subject.homeserver.stop();
    expect(await answerOf(subject, 'required')).toMatchObject({
      status: 503,
      body: { errcode: 'M_UNKNOWN' },
    });
    expect(await answerOf(subject, 'optional')).toEqual({ status: 200, body: { user: null } });
  });
});

import fc from 'fast-check';
import { Type } from 'typebox';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  type Authenticate,
  AuthenticationUnavailable,
  client,
  clientV1,
  endpoint,
  MatrixError,
  type Requester,
  unstable,
} from '@matrix-futures/http';
import { alice, serve } from './serving.ts';

const bearer = { Authorization: 'Bearer alices' };

describe('paths', () => {
  test('of clients are served under v3 and r0', async () => {
    const whoami = endpoint({
      method: 'GET',
      paths: client('/account/whoami'),
      authentication: 'none',
      handle: () => ({}),
    });
    const { server } = await serve({ endpoints: [whoami] });
    for (const version of ['v3', 'r0']) {
      expect((await server.inject(`/_matrix/client/${version}/account/whoami`)).statusCode).toBe(200);
    }
    expect((await server.inject('/_matrix/client/v2/account/whoami')).statusCode).toBe(404);
  });

  test('of v1 and of unstable features are named as such', () => {
    expect(clientV1('/future/:token')).toEqual(['/_matrix/client/v1/future/:token']);
    expect(unstable(['io.element.msc3140', 'org.matrix.msc4140'], '/a', '/b')).toEqual([
      '/_matrix/client/unstable/io.element.msc3140/a',
      '/_matrix/client/unstable/io.element.msc3140/b',
      '/_matrix/client/unstable/org.matrix.msc4140/a',
      '/_matrix/client/unstable/org.matrix.msc4140/b',
    ]);
  });

  const state = endpoint({
    method: 'PUT',
    paths: client(
      '/rooms/:roomId/state/:eventType/:stateKey',
      '/rooms/:roomId/state/:eventType/',
      '/rooms/:roomId/state/:eventType',
    ),
    authentication: 'none',
    handle: ({ params }) => {
      expectTypeOf(params.roomId).toEqualTypeOf<string>();
      expectTypeOf(params.stateKey).toEqualTypeOf<string | undefined>();
      return { body: { ...params } };
    },
  });
  const prefix = '/_matrix/client/v3/rooms';

  test('give parameters that every one of them has, and others that may be missing', async () => {
    const { server } = await serve({ endpoints: [state] });
    const params = async (rest: string) =>
      (await server.inject({ method: 'PUT', url: `${prefix}${rest}` })).json();
    expect(await params('/!r/state/t/k')).toEqual({ roomId: '!r', eventType: 't', stateKey: 'k' });
    expect(await params('/!r/state/t/')).toEqual({ roomId: '!r', eventType: 't' });
    expect(await params('/!r/state/t')).toEqual({ roomId: '!r', eventType: 't' });
  });

  test('with an empty parameter are unknown, before anybody is asked who they are', async () => {
    const { server } = await serve({ endpoints: [{ ...state, authentication: 'required' }] });
    for (const rest of ['//state/t/k', '/!r/state//k', '/!r/state//']) {
      const answer = await server.inject({ method: 'PUT', url: `${prefix}${rest}` });
      expect([rest, answer.statusCode, answer.json().errcode]).toEqual([rest, 404, 'M_UNRECOGNIZED']);
    }
  });

  test('carry any text, percent-encoded', async () => {
    const { connect } = await serve({ endpoints: [state] });
    const connection = await connect();
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 255 });
    await fc.assert(
      fc.asyncProperty(text, text, async (roomId, stateKey) => {
        const url = `${prefix}/${encodeURIComponent(roomId)}/state/t/${encodeURIComponent(stateKey)}`;
        fc.pre(url.length <= 8192);
        connection.send(`PUT ${url} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
        expect((await connection.answer())?.json).toEqual({ roomId, eventType: 't', stateKey });
      }),
      {
        examples: [
          ['%', '%25'],
          ['a/b?c#d', '..'],
          ['%2F', '+ ;'],
          ['é'.repeat(255), '\0'],
        ],
      },
    );
  });

  test.each(['%', '%2', '%zz', '%ff', '%c3%28', '%ed%a0%80'])(
    'that cannot be decoded are M_INVALID_PARAM: %s',
    async (part) => {
      const { ask } = await serve({ endpoints: [state] });
      const { status, json } = await ask('PUT', `${prefix}/a${part}/state/t`);
      expect([status, json.errcode]).toEqual([400, 'M_INVALID_PARAM']);
    },
  );

  test('may be written as a whole URL, as to a proxy', async () => {
    const { ask } = await serve({ endpoints: [state] });
    expect((await ask('PUT', `http://localhost${prefix}/!r/state/t/k`)).json.roomId).toBe('!r');
  });
});

test('a call never lacks a parameter that its type has', async () => {
  const state = endpoint({
    method: 'PUT',
    paths: ['/a/:id'],
    authentication: 'none',
    handle: ({ params }) => ({ body: params }),
  });
  const incoming = {
    requester: null,
    query: { values: new Map<string, string[]>(), malformed: false },
    rawQuery: '',
    url: '/',
    address: '',
    accessToken: null,
    readBody: () => Promise.reject(new Error('not asked for')),
    watchClient: () => new AbortController().signal,
  };
  expect(await state.answer({ ...incoming, params: { id: '1' } })).toEqual({ body: { id: '1' } });
  await expect(state.answer({ ...incoming, params: {} })).rejects.toThrow(/Unknown path/);
});

describe('queries', () => {
  const search = endpoint({
    method: 'GET',
    paths: client('/search'),
    authentication: 'optional',
    query: Type.Object({
      from: Type.String(),
      dir: Type.Optional(Type.Union([Type.Literal('f'), Type.Literal('b')])),
      via: Type.Optional(Type.Array(Type.String())),
    }),
    handle: ({ query }) => {
      expectTypeOf(query.from).toEqualTypeOf<string>();
      expectTypeOf(query.via).toEqualTypeOf<string[] | undefined>();
      return { body: query };
    },
  });
  const ask = async (query: string) => {
    const { server } = await serve({ endpoints: [search] });
    const answer = await server.inject(`/_matrix/client/v3/search?${query}`);
    return answer.json();
  };

  test('give the parameters that the schema names: the first of repeated ones, all of arrays', async () => {
    expect(await ask('from=a&from=b&via=x&via=y&other=1&access_token=alices')).toEqual({
      from: 'a',
      via: ['x', 'y'],
    });
  });

  test('are decoded as browsers encode them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (from) => {
        expect(await ask(new URLSearchParams({ from }).toString())).toEqual({ from });
        expect(await ask(`&&fro%6d=${encodeURIComponent(from)}&`)).toEqual({ from });
      }),
      { numRuns: 20, examples: [['a b+c&d=e%20']] },
    );
  });

  test('lack a parameter: M_MISSING_PARAM; have a wrong one: M_INVALID_PARAM', async () => {
    expect(await ask('')).toMatchObject({ errcode: 'M_MISSING_PARAM' });
    expect(await ask('__proto__=1&constructor=2')).toMatchObject({ errcode: 'M_MISSING_PARAM' });
    expect(await ask('from=a&dir=x')).toMatchObject({
      errcode: 'M_INVALID_PARAM',
      error: 'dir must be "f" or "b"',
    });
  });

  test.each(['from=%', 'from=%ff', 'from=a&%zz=1', 'from=a&other=%e2%82'])(
    'that cannot be decoded are M_INVALID_PARAM: %s',
    async (query) => {
      expect(await ask(query)).toMatchObject({ errcode: 'M_INVALID_PARAM' });
    },
  );

  test('are judged after the access token', async () => {
    expect(await ask('from=%&access_token=stale')).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
  });
});

describe('bodies', () => {
  const body = Type.Object({ name: Type.String(), count: Type.Optional(Type.Integer()) });
  const take = endpoint({
    method: ['PUT', 'POST'],
    paths: client('/take'),
    authentication: 'none',
    body,
    handle: (call) => {
      const value = call.body();
      expectTypeOf(value).toEqualTypeOf<{ name: string; count?: number }>();
      return { body: value };
    },
  });
  const replay = endpoint({
    method: 'PUT',
    paths: client('/replay'),
    authentication: 'none',
    body,
    handle: () => ({}),
  });
  const join = endpoint({
    method: 'POST',
    paths: client('/join'),
    authentication: 'none',
    body: Type.Object({ reason: Type.Optional(Type.String()) }),
    bodyOptional: true,
    handle: (call) => ({ body: { read: call.body() } }),
  });
  const send = async (path: string, payload: string, contentType?: string) => {
    const { server } = await serve({ endpoints: [take, replay, join] });
    const headers = contentType === undefined ? {} : { 'content-type': contentType };
    const url = `/_matrix/client/v3${path}`;
    return (await server.inject({ method: path === '/join' ? 'POST' : 'PUT', url, payload, headers })).json();
  };

  test('are JSON whatever their content type says', async () => {
    const text = '{"name":"a","more":[{}]}';
    for (const type of [
      undefined,
      'application/json',
      'text/plain',
      'application/x-www-form-urlencoded',
      'rubbish',
      ';',
    ]) {
      expect(await send('/take', text, type)).toEqual(JSON.parse(text));
    }
  });

  test('lack a property: M_MISSING_PARAM; are of another shape: M_BAD_JSON; are not JSON: M_NOT_JSON', async () => {
    expect(await send('/take', '{}')).toMatchObject({ errcode: 'M_MISSING_PARAM' });
    expect(await send('/take', '{"name":7}')).toMatchObject({
      errcode: 'M_BAD_JSON',
      error: 'name must be string',
    });
    expect(await send('/take', '{"name":"a","count":1.5}')).toMatchObject({ errcode: 'M_BAD_JSON' });
    for (const other of ['[]', 'null', '1', '"a"']) {
      expect(await send('/take', other)).toMatchObject({ errcode: 'M_BAD_JSON' });
    }
    expect(await send('/take', '{')).toMatchObject({ errcode: 'M_NOT_JSON' });
  });

  test('that are missing are M_NOT_JSON, and {} where the endpoint says so', async () => {
    expect(await send('/take', '')).toMatchObject({ errcode: 'M_NOT_JSON' });
    expect(await send('/join', '')).toEqual({ read: {} });
    expect(await send('/join', ' ')).toMatchObject({ errcode: 'M_NOT_JSON' });
  });

  test('are judged only when the handler asks', async () => {
    expect(await send('/replay', 'not JSON')).toEqual({});
  });
});

describe('authentication', () => {
  const asks = (authentication: 'required' | 'optional' | 'none') =>
    endpoint({
      method: 'GET',
      paths: client(`/${authentication}`),
      authentication,
      handle: ({ requester }) => ({ body: { user: requester?.user ?? null } }),
    });
  const ask = async (path: string, authorization?: string) => {
    const { server } = await serve({ endpoints: [asks('required'), asks('optional'), asks('none')] });
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await server.inject({ url: `/_matrix/client/v3${path}`, headers });
    return [answer.statusCode, answer.json()];
  };
  const user = { user: alice.user };

  test('types the requester by what is asked', () => {
    endpoint({
      method: 'GET',
      paths: client('/x'),
      authentication: 'required',
      handle: ({ requester }) => (expectTypeOf(requester).toEqualTypeOf<Requester>(), {}),
    });
    endpoint({
      method: 'GET',
      paths: client('/x'),
      authentication: 'none',
      handle: ({ requester }) => (expectTypeOf(requester).toEqualTypeOf<null>(), {}),
    });
  });

  test.each(['Bearer alices', 'bearer alices', 'BEARER   alices '])(
    'takes the token of the header: %s',
    async (header) => {
      expect(await ask('/required', header)).toEqual([200, user]);
    },
  );

  test('takes the token of the query, and the header before it', async () => {
    expect(await ask('/required?access_token=alices')).toEqual([200, user]);
    expect(await ask('/required?access_token=stale', 'Bearer alices')).toEqual([200, user]);
  });

  test.each([undefined, '', 'Bearer', 'Bearer ', 'Basic YTpi', 'alices', 'Bearer two words'])(
    'required, without a token is 401 M_MISSING_TOKEN: %s',
    async (header) => {
      expect(await ask('/required', header)).toMatchObject([401, { errcode: 'M_MISSING_TOKEN' }]);
      expect(await ask('/required?access_token=', header)).toMatchObject([
        401,
        { errcode: 'M_MISSING_TOKEN' },
      ]);
    },
  );

  test('required or optional, with a stale token is 401 M_UNKNOWN_TOKEN and no soft log-out', async () => {
    const stale = [401, { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false }];
    expect(await ask('/required', 'Bearer stale')).toMatchObject(stale);
    expect(await ask('/optional', 'Bearer stale')).toMatchObject(stale);
    expect(await ask('/optional?access_token=stale')).toMatchObject(stale);
  });

  test('optional, knows who asks and does not mind nobody', async () => {
    expect(await ask('/optional', 'Bearer alices')).toEqual([200, user]);
    expect(await ask('/optional')).toEqual([200, { user: null }]);
  });

  test('sees the headers, the query and the address of the request', async () => {
    const seen: unknown[] = [];
    const authenticate: Authenticate = (token, { headers, query, address }) => {
      seen.push(token, headers['user-agent'], query.values.get('user_id'), address);
      return alice;
    };
    const { ask: raw } = await serve({ endpoints: [asks('required')], authenticate });
    await raw('GET', '/_matrix/client/v3/required?user_id=@a:b', { ...bearer, 'User-Agent': 'Tester' });
    expect(seen).toEqual(['alices', 'Tester', ['@a:b'], '127.0.0.1']);
  });

  test('that is unavailable is 503 where it is required, and nobody where it is optional', async () => {
    const authenticate = () => Promise.reject(new AuthenticationUnavailable());
    const { ask: raw } = await serve({ endpoints: [asks('required'), asks('optional')], authenticate });
    const required = await raw('GET', '/_matrix/client/v3/required', bearer);
    expect([required.status, required.json.errcode]).toEqual([503, 'M_UNKNOWN']);
    const optional = await raw('GET', '/_matrix/client/v3/optional', bearer);
    expect([optional.status, optional.json]).toEqual([200, { user: null }]);
  });

  test('that is refused with words of its own is answered in them, also where it is optional', async () => {
    const locked = { status: 401, errcode: 'M_USER_LOCKED', error: 'Locked', fields: { soft_logout: true } };
    const authenticate = () => Promise.reject(MatrixError.from(locked));
    const { ask: raw } = await serve({ endpoints: [asks('required'), asks('optional')], authenticate });
    for (const path of ['required', 'optional']) {
      const answer = await raw('GET', `/_matrix/client/v3/${path}`, bearer);
      expect(answer).toMatchObject({ status: 401, json: { errcode: 'M_USER_LOCKED', soft_logout: true } });
    }
  });

  test('none, does not even look at a token', async () => {
    expect(await ask('/none', 'Bearer stale')).toEqual([200, { user: null }]);
  });

  test('comes before the body is read', async () => {
    const put = endpoint({
      method: 'PUT',
      paths: client('/put'),
      authentication: 'required',
      body: Type.Object({}),
      handle: () => ({}),
    });
    const { connect } = await serve({ endpoints: [put] });
    const connection = await connect();
    connection.send('PUT /_matrix/client/v3/put HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n');
    expect((await connection.answer())?.status).toBe(401);
  });
});

describe('endpoints that share a path', () => {
  const paths = client('/rooms/:roomId/send/:eventType/:txnId');
  const named = (name: string, parameters?: string[]) =>
    endpoint({
      method: 'PUT',
      paths,
      authentication: 'required',
      ...(parameters === undefined ? {} : { when: { parameters } }),
      handle: ({ params }) => ({ body: { name, ...params } }),
    });
  const endpoints = [
    named('plain'),
    named('future', ['future_timeout', 'future_group_id']),
    named('delay', ['org.matrix.msc4140.delay']),
  ];
  const ask = async (query: string, headers: Record<string, string> = bearer) => {
    const { server } = await serve({ endpoints });
    return (
      await server.inject({ method: 'PUT', url: `/_matrix/client/r0/rooms/r/send/t/1${query}`, headers })
    ).json();
  };

  test.each([
    ['', 'plain'],
    ['?ts=1', 'plain'],
    ['?x=future_timeout', 'plain'],
    ['?future_timeout=1', 'future'],
    ['?a=b&future_group_id', 'future'],
    ['?future%5ftimeout=1', 'future'],
    ['?org.matrix.msc4140.delay=1', 'delay'],
    ['?org%2Ematrix.msc4140.delay=1', 'delay'],
    ['?org.matrix.msc4140.delay=1&future_timeout=1', 'future'],
  ])('are chosen by the names of the query parameters: %s', async (query, name) => {
    expect(await ask(query)).toEqual({ name, roomId: 'r', eventType: 't', txnId: '1' });
  });

  test('each ask for their own authentication', async () => {
    expect(await ask('?future_timeout=1', {})).toMatchObject({ errcode: 'M_MISSING_TOKEN' });
  });

  test('must not both answer the same request', async () => {
    await expect(serve({ endpoints: [named('a'), named('b')] })).rejects.toThrow(/Two endpoints answer PUT/);
  });

  test('leave the rest unknown when none of them is plain', async () => {
    const { server } = await serve({ endpoints: [named('future', ['future_timeout'])] });
    const url = '/_matrix/client/r0/rooms/r/send/t/1';
    expect((await server.inject({ method: 'PUT', url, headers: bearer })).json().errcode).toBe(
      'M_UNRECOGNIZED',
    );
  });
});

describe('an endpoint', () => {
  test('can be read: methods, paths, authentication, schemas, summary', () => {
    const query = Type.Object({});
    const body = Type.Object({});
    const thing = endpoint({
      method: 'PUT',
      paths: ['/_matrix/client/versions'],
      authentication: 'optional',
      summary: 'A thing',
      query,
      body,
      handle: () => ({}),
    });
    expect(thing).toMatchObject({
      methods: ['PUT'],
      paths: ['/_matrix/client/versions'],
      authentication: 'optional',
      summary: 'A thing',
      when: null,
      bodyOptional: false,
    });
    expect(thing.query).toBe(query);
    expect(thing.body).toBe(body);
  });

  test('answers 200 and {} unless it says otherwise, and lists, statuses, headers and bytes when it does', async () => {
    const answering = (path: string, handle: Parameters<typeof endpoint>[0]['handle']) =>
      endpoint({ method: 'GET', paths: [path], authentication: 'none', handle });
    const { ask } = await serve({
      endpoints: [
        answering('/nothing', () => ({})),
        answering('/list', () => ({ body: [1, 'é'] })),
        answering('/status', () => ({ status: 401, body: { flows: [] }, headers: { 'X-A': 'b' } })),
        answering('/bytes', () => ({
          body: Buffer.from('"raw"'),
          headers: { 'content-type': 'application/x-a' },
        })),
        answering('/later', () => Promise.resolve({ body: { later: true } })),
      ],
    });
    expect(await ask('GET', '/nothing')).toMatchObject({ status: 200, text: '{}' });
    expect(await ask('GET', '/list')).toMatchObject({ status: 200, json: [1, 'é'] });
    expect(await ask('GET', '/status')).toMatchObject({
      status: 401,
      json: { flows: [] },
      headers: { 'x-a': 'b' },
    });
    const bytes = await ask('GET', '/bytes');
    expect(bytes).toMatchObject({
      status: 200,
      text: '"raw"',
      headers: { 'content-type': 'application/x-a' },
    });
    expect((await ask('GET', '/later')).json).toEqual({ later: true });
  });

  test('throws errors of the table, or errors that were worded elsewhere', async () => {
    const throwing = (path: string, error: unknown) =>
      endpoint({
        method: 'GET',
        paths: [path],
        authentication: 'none',
        handle: () => {
          throw error;
        },
      });
    const { ask } = await serve({
      endpoints: [
        throwing(
          '/a',
          new MatrixError('limitExceeded', 'Slow', { retry_after_ms: 900 }, { 'Retry-After': '1' }),
        ),
        throwing(
          '/b',
          MatrixError.from({ status: 418, errcode: 'M_TEA', error: 'Pot', fields: { 'm.x': [1] } }),
        ),
        throwing(
          '/c',
          MatrixError.from({
            ...{ status: 429, errcode: 'M_LIMIT_EXCEEDED', error: 'Slow' },
            fields: { retry_after_ms: 1_001 },
          }),
        ),
      ],
    });
    expect(await ask('GET', '/a')).toMatchObject({
      status: 429,
      json: { errcode: 'M_LIMIT_EXCEEDED', error: 'Slow', retry_after_ms: 900 },
      headers: { 'retry-after': '1', 'access-control-expose-headers': 'Retry-After' },
    });
    expect(await ask('GET', '/b')).toMatchObject({
      status: 418,
      json: { errcode: 'M_TEA', error: 'Pot', 'm.x': [1] },
    });
    expect(await ask('GET', '/c')).toMatchObject({
      json: { retry_after_ms: 1_001 },
      headers: { 'retry-after': '2' },
    });
  });
});

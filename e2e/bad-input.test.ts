/** The whole of what a client can do wrong, against the running process. More than 400 lines: one row each. */
import { once } from 'node:events';
import { connect } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientApi } from './client-api.ts';
import { bytesOf, exchange, type RawAnswer, type RawRequest } from './raw-http.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

const password = 'correct horse battery';
const canary = 'the canary that nothing may harm';
const text = (body: string): object => ({ msgtype: 'm.text', body });

let server: ServerProcess;
let alice: ClientApi;
let room: string;
let refreshToken: string;
const secrets = new Set<string>([password]);
/** how long each answer took, in ms */
const times: number[] = [];

beforeAll(async () => {
  server = await startServerProcess({
    flags: ['--open-registration', '--rate-limits', 'off', '--log-level', 'debug'],
  });
  alice = await new ClientApi(server.url).register('alice', password);
  secrets.add(alice.token ?? '');
  room = encodeURIComponent((await alice.request('POST', '/v3/createRoom', {})).body.room_id);
  const { body } = await alice.request(
    'PUT',
    `/v3/rooms/${room}/send_future/m.room.message/canary?future_timeout=4000`,
    text(canary),
  );
  refreshToken = body.refresh_token;
  for (const token of [body.refresh_token, body.send_token, body.cancel_token]) secrets.add(token);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const client = '/_matrix/client';

/** `{room}` and `{token}` stand for the room of the test and a live refresh token. */
function fill(target: string): string {
  return target.replace('{room}', room).replace('{token}', refreshToken);
}

function send({ target, headers, ...rest }: RawRequest): Promise<RawAnswer | null> {
  const authorization = { authorization: `Bearer ${alice.token}` };
  return exchange(
    server.url,
    bytesOf({ ...rest, target: fill(target), headers: { ...authorization, ...headers } }),
  );
}

/** Every answer, good or bad, is JSON, may be read by any web page, and is there before anything is waited for. */
function expectManners(answer: RawAnswer | null): asserts answer is RawAnswer {
  if (answer === null) throw new Error('no answer');
  expect(answer.headers).toMatchObject({
    'access-control-allow-origin': '*',
    'content-type': expect.stringMatching(/^application\/json\b/) as unknown,
  });
  times.push(answer.took);
}

function expectError(answer: RawAnswer | null, status: number, errcode: string): void {
  expectManners(answer);
  expect(answer).toMatchObject({ status, body: { errcode, error: expect.any(String) as unknown } });
}

type Row = readonly [what: string, request: RawRequest, status: number, errcode: string];
const put = (target: string, body: string | Uint8Array = JSON.stringify(text('x'))): RawRequest => ({
  method: 'PUT',
  target: client + target,
  body,
});
const post = (target: string, body: string | Uint8Array = ''): RawRequest => ({
  ...put(target, body),
  method: 'POST',
});
const get = (target: string): RawRequest => ({ method: 'GET', target: client + target });

const plainSend = '/v3/rooms/{room}/send/m.room.message/bad';
const plainState = '/v3/rooms/{room}/state/com.example/bad';
const sendFuture = '/v3/rooms/{room}/send_future/m.room.message/bad?future_timeout=60000';
const stateFuture = '/v3/rooms/{room}/state_future/com.example/bad?future_timeout=60000';
const withParameter = '/v3/rooms/{room}/send/m.room.message/bad?future_timeout=60000';
const delayed = '/v3/rooms/{room}/send/m.room.message/bad?org.matrix.msc4140.delay=60000';
const events = { plainSend, plainState, sendFuture, stateFuture, withParameter, delayed };
const batch = '/v3/rooms/{room}/send/future/bad';

/** `[[[…]]]`, so many inside one another */
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const inContent = (json: string): string => `{"msgtype":"m.text","body":"x","bad":${json}}`;

const contents: readonly (readonly [string, string | Uint8Array, string])[] = [
  ['no body', '', 'M_NOT_JSON'],
  ['half an object', '{"msgtype":', 'M_NOT_JSON'],
  ['something else', 'msgtype=m.text', 'M_NOT_JSON'],
  ['two objects', '{}{}', 'M_NOT_JSON'],
  ['bytes that are not UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 'M_NOT_JSON'],
  ['a byte order mark', '\ufeff{}', 'M_NOT_JSON'],
  ['null', 'null', 'M_BAD_JSON'],
  ['a list', '[]', 'M_BAD_JSON'],
  ['a string', '"x"', 'M_BAD_JSON'],
  ['a number', '7', 'M_BAD_JSON'],
  ['deep nesting', inContent(nested(200)), 'M_BAD_JSON'],
  ['very deep nesting', inContent(nested(100_000)), 'M_BAD_JSON'],
  ['half of a surrogate pair', inContent('"\\ud800"'), 'M_BAD_JSON'],
  ['half of one in a key', inContent('{"\\udc00":1}'), 'M_BAD_JSON'],
  ['a fraction', inContent('1.5'), 'M_BAD_JSON'],
  ['1e30', inContent('1e30'), 'M_BAD_JSON'],
  ['1e999', inContent('1e999'), 'M_BAD_JSON'],
  ['an integer that is not exact', inContent('9007199254740993'), 'M_BAD_JSON'],
];

const timeouts = ['0', '-1', '1.5', '1e30', '1e3', 'abc', '', '+5', '%205', '0x10', 'NaN', '%D9%A3', '-0'];

const rows: readonly Row[] = [
  ...Object.entries(events).flatMap(([name, target]) =>
    contents.map(([what, body, errcode]): Row => [`${name}: ${what}`, put(target, body), 400, errcode]),
  ),
  ['a message without a body', put(sendFuture, '{"msgtype":"m.text"}'), 400, 'M_BAD_JSON'],
  ['a message whose type is a number', put(plainSend, '{"msgtype":1,"body":"x"}'), 400, 'M_BAD_JSON'],
  ['a redaction of nothing', put(sendFuture.replace('message', 'redaction'), '{}'), 400, 'M_BAD_JSON'],

  ['a room id that is none', put('/v3/rooms/nope/send/m.room.message/1'), 400, 'M_INVALID_PARAM'],
  [
    'the same for a future',
    put('/v3/rooms/nope/send_future/m.room.message/1?future_timeout=9'),
    400,
    'M_INVALID_PARAM',
  ],
  [
    'an alias for a room id',
    put('/v3/rooms/%23a:localhost/state_future/com.example?future_timeout=9'),
    400,
    'M_INVALID_PARAM',
  ],
  [
    'a room id that is too long',
    put(`/v3/rooms/!${'a'.repeat(255)}/send_future/m.room.message/1?future_timeout=9`),
    400,
    'M_INVALID_PARAM',
  ],
  ['an empty room id', put('/v3/rooms//send/m.room.message/1'), 404, 'M_UNRECOGNIZED'],
  [
    'a room that does not exist',
    put('/v3/rooms/!unknown:localhost/send/m.room.message/1'),
    403,
    'M_FORBIDDEN',
  ],
  ['state in it', put('/v3/rooms/!unknown:localhost/state/com.example'), 403, 'M_FORBIDDEN'],
  ['reading it', get('/v3/rooms/!unknown:localhost/messages?dir=b'), 403, 'M_FORBIDDEN'],
  ['an empty event type', put('/v3/rooms/{room}/send//1'), 404, 'M_UNRECOGNIZED'],
  [
    'an event type a byte too long',
    put(`/v3/rooms/{room}/send_future/${'a'.repeat(256)}/1?future_timeout=9`),
    413,
    'M_TOO_LARGE',
  ],
  [
    'a state key a byte too long',
    put(`/v3/rooms/{room}/state_future/a/${'a'.repeat(256)}?future_timeout=9`),
    413,
    'M_TOO_LARGE',
  ],
  ['one on the plain endpoint', put(`/v3/rooms/{room}/state/a/${'a'.repeat(256)}`), 413, 'M_TOO_LARGE'],

  ['neither parameter', put('/v3/rooms/{room}/send_future/m.room.message/1'), 400, 'M_MISSING_PARAM'],
  ...timeouts.flatMap((timeout): Row[] =>
    [sendFuture, stateFuture, withParameter].map((target) => [
      `timeout "${timeout}" at ${target}`,
      put(target.replace('60000', timeout)),
      400,
      'M_INVALID_PARAM',
    ]),
  ),
  ...timeouts
    // 0 is a delay
    .filter((timeout) => timeout !== '0')
    .map((delay): Row => [`delay "${delay}"`, put(delayed.replace('60000', delay)), 400, 'M_INVALID_PARAM']),
  ...['0', '-1', '1.5', '"abc"', '"5"', 'null', '[]'].map((timeout): Row => [
    `timeout ${timeout} of a batch`,
    put(batch, `{"timeout":${timeout},"send_on_timeout":{"type":"a","content":{}}}`),
    400,
    'M_INVALID_PARAM',
  ]),
  // Whole numbers all the same, only too many milliseconds, however many.
  ...['1e30', '9007199254740993'].map((timeout): Row => [
    `timeout ${timeout} of a batch`,
    put(batch, `{"timeout":${timeout},"send_on_timeout":{"type":"a","content":{}}}`),
    400,
    'M_FUTURE_MAX_TIMEOUT_EXCEEDED',
  ]),
  ...[sendFuture, stateFuture, withParameter].map((target): Row => [
    `timeout "9007199254740993" at ${target}`,
    put(target.replace('60000', '9007199254740993')),
    400,
    'M_FUTURE_MAX_TIMEOUT_EXCEEDED',
  ]),
  [
    'a timeout beyond the maximum',
    put(sendFuture.replace('60000', '2592000001')),
    400,
    'M_FUTURE_MAX_TIMEOUT_EXCEEDED',
  ],
  ['an empty group id', put(`${sendFuture}&future_group_id=`), 400, 'M_INVALID_PARAM'],
  [
    'a group id a byte too long',
    put(`${sendFuture}&future_group_id=${'a'.repeat(256)}`),
    400,
    'M_INVALID_PARAM',
  ],
  [
    'a group that does not exist',
    put('/v3/rooms/{room}/send_future/m.room.message/1?future_group_id=none'),
    409,
    'M_UNKNOWN_FUTURE_GROUP',
  ],
  [
    'a group named __proto__',
    put('/v3/rooms/{room}/send_future/m.room.message/1?future_group_id=__proto__'),
    409,
    'M_UNKNOWN_FUTURE_GROUP',
  ],

  [
    'a batch without a timeout',
    put(batch, '{"send_on_timeout":{"type":"a","content":{}}}'),
    400,
    'M_MISSING_PARAM',
  ],
  ['a batch of nothing', put(batch, '{"timeout":9,"send_on_timeout":null}'), 400, 'M_BAD_JSON'],
  [
    'a batch whose event has no type',
    put(batch, '{"timeout":9,"send_on_timeout":{"content":{}}}'),
    400,
    'M_MISSING_PARAM',
  ],
  [
    'a batch whose content is a list',
    put(batch, '{"timeout":9,"send_on_timeout":{"type":"a","content":[]}}'),
    400,
    'M_BAD_JSON',
  ],
  [
    'a batch whose actions are a list',
    put(batch, '{"timeout":9,"send_on_timeout":{"type":"a","content":{}},"send_on_action":[]}'),
    400,
    'M_BAD_JSON',
  ],
  [
    'a batch whose action is null',
    put(
      batch,
      '{"timeout":9,"send_on_timeout":{"type":"a","content":{}},"send_on_action":{"__proto__":null}}',
    ),
    400,
    'M_BAD_JSON',
  ],
  [
    'a variable that refers to nothing',
    put(batch, '{"timeout":9,"send_on_timeout":{"type":"a","content":{"e":"$m.send_now.event_id"}}}'),
    400,
    'M_INVALID_PARAM',
  ],

  ...[
    'a',
    'a'.repeat(21),
    'a'.repeat(22),
    'A'.repeat(22),
    'a'.repeat(23),
    'a'.repeat(1_000),
    '%00',
    '%F0%9F%92%A5',
    '...',
    '__proto__',
    'a+b=',
    "';--",
  ].flatMap((token): Row[] =>
    ['/v3/futures/', '/v1/future/', '/unstable/io.element.msc3140/futures/'].map((path) => [
      `token ${token.slice(0, 30)} at ${path}`,
      post(path + token),
      410,
      'M_NOT_FOUND',
    ]),
  ),
  ['a live token with a character more', post('/v3/futures/{token}A'), 410, 'M_NOT_FOUND'],
  ['a live token with the method GET', get('/v3/futures/{token}'), 405, 'M_UNRECOGNIZED'],
  [
    'a live token with the method DELETE',
    { ...get('/v3/futures/{token}'), method: 'DELETE' },
    405,
    'M_UNRECOGNIZED',
  ],
  ['no token', post('/v3/futures/'), 404, 'M_UNRECOGNIZED'],
  [
    'tokens that are a string',
    post('/unstable/dev.matrix-futures/tokens', '{"tokens":"a"}'),
    400,
    'M_BAD_JSON',
  ],
  [
    'tokens that are numbers',
    post('/unstable/dev.matrix-futures/tokens', '{"tokens":[1]}'),
    400,
    'M_BAD_JSON',
  ],
  ['tokens left out', post('/unstable/dev.matrix-futures/tokens', '{}'), 400, 'M_MISSING_PARAM'],
  [
    'too many tokens',
    post('/unstable/dev.matrix-futures/tokens', JSON.stringify({ tokens: Array(1_001).fill('a') })),
    400,
    'M_INVALID_PARAM',
  ],
  [
    'a delay id that is none',
    post('/unstable/org.matrix.msc4140/delayed_events/nope/send'),
    404,
    'M_NOT_FOUND',
  ],
  [
    'an action that is none',
    post('/unstable/org.matrix.msc4140/delayed_events/nope/explode'),
    404,
    'M_UNRECOGNIZED',
  ],
  [
    'an action of a wrong type',
    post('/unstable/org.matrix.msc4140/delayed_events/nope', '{"action":7}'),
    400,
    'M_INVALID_PARAM',
  ],
  ['no action', post('/unstable/org.matrix.msc4140/delayed_events/nope', '{}'), 400, 'M_MISSING_PARAM'],

  [
    'a path that does not decode',
    put('/v3/rooms/%zz/send_future/m.room.message/1?future_timeout=9'),
    400,
    'M_INVALID_PARAM',
  ],
  [
    'half a character in a path',
    put('/v3/rooms/{room}/send_future/%E2%82/1?future_timeout=9'),
    400,
    'M_INVALID_PARAM',
  ],
  ['a percent sign at the end', get('/v3/rooms/%'), 400, 'M_INVALID_PARAM'],
  ['a token that does not decode', post('/v3/futures/%zz'), 400, 'M_INVALID_PARAM'],
  ['a query that does not decode', put(`${sendFuture}%zz`), 400, 'M_INVALID_PARAM'],
  ['a surrogate in a query', put(`${sendFuture}&future_group_id=%ED%A0%80`), 400, 'M_INVALID_PARAM'],

  ['a path that is none', get('/v3/nothing'), 404, 'M_UNRECOGNIZED'],
  ['the root', { method: 'GET', target: '/' }, 404, 'M_UNRECOGNIZED'],
  ['a path upwards', get('/v3/../../../etc/passwd'), 404, 'M_UNRECOGNIZED'],
  ['a whole address', { method: 'GET', target: 'http://elsewhere.example/' }, 404, 'M_UNRECOGNIZED'],
  ['an asterisk', { method: 'GET', target: '*' }, 404, 'M_UNRECOGNIZED'],
  ...['DELETE', 'PATCH', 'PROPFIND', 'TRACE', 'BREW', 'get', 'CONNECT', 'QUERY'].map((method): Row => [
    `method ${method}`,
    { ...get('/v3/account/whoami'), method },
    405,
    'M_UNRECOGNIZED',
  ]),

  ['no login', { ...put(sendFuture), headers: { authorization: '' } }, 401, 'M_MISSING_TOKEN'],
  [
    'a login of another kind',
    { ...put(sendFuture), headers: { authorization: 'Basic YTpi' } },
    401,
    'M_MISSING_TOKEN',
  ],
  [
    'a login that is none',
    { ...put(sendFuture), headers: { authorization: 'Bearer nope' } },
    401,
    'M_UNKNOWN_TOKEN',
  ],
  [
    'a login that is much too long',
    { ...put(sendFuture), headers: { authorization: `Bearer ${'a'.repeat(8_000)}` } },
    401,
    'M_UNKNOWN_TOKEN',
  ],

  ['a huge query', get(`/v3/account/whoami?a=${'a'.repeat(9_000)}`), 414, 'M_TOO_LARGE'],
  ['a huge token', post(`/v3/futures/${'a'.repeat(9_000)}`), 410, 'M_NOT_FOUND'],
  ['huge headers', { ...get('/versions'), headers: { cookie: 'a'.repeat(20_000) } }, 431, 'M_TOO_LARGE'],
  [
    'many headers',
    {
      ...get('/versions'),
      headers: Object.fromEntries(Array.from({ length: 1_500 }, (_, i) => [`x-${i}`, 'abcdefghij'])),
    },
    431,
    'M_TOO_LARGE',
  ],
  ['a huge body', put(plainSend, `{"a":"${'a'.repeat(2 ** 20)}"}`), 413, 'M_TOO_LARGE'],
  [
    'a huge body without a length',
    {
      ...put(plainSend, `200000\r\n${'a'.repeat(0x200000)}\r\n0\r\n\r\n`),
      headers: { 'transfer-encoding': 'chunked', 'content-length': '' },
    },
    400,
    'M_UNKNOWN',
  ],
  ['a negative length', { ...put(plainSend), headers: { 'content-length': '-1' } }, 400, 'M_UNKNOWN'],
  [
    'lengths and chunks at once',
    { ...put(plainSend), headers: { 'transfer-encoding': 'chunked' } },
    400,
    'M_UNKNOWN',
  ],
  [
    'a header with a line break in its name',
    { ...get('/versions'), headers: { 'a\nb': 'c' } },
    400,
    'M_UNKNOWN',
  ],
  [
    'an encoding that does not exist',
    { ...put(plainSend), headers: { 'transfer-encoding': 'rot13', 'content-length': '0' } },
    400,
    'M_UNKNOWN',
  ],

  ['registering with a number', post('/v3/register', '{"username":7,"password":"x"}'), 400, 'M_BAD_JSON'],
  [
    'a name that may not be',
    post('/v3/register', '{"username":"A B","password":"correct horse","auth":{"type":"m.login.dummy"}}'),
    400,
    'M_INVALID_USERNAME',
  ],
  ['logging in with nothing', post('/v3/login', '{}'), 400, 'M_MISSING_PARAM'],
  [
    'logging in as nobody',
    post(
      '/v3/login',
      '{"type":"m.login.password","identifier":{"type":"m.id.user","user":"nobody"},"password":"x"}',
    ),
    403,
    'M_FORBIDDEN',
  ],
  [
    'a room of a version that is none',
    post('/v3/createRoom', '{"room_version":"nope"}'),
    400,
    'M_UNSUPPORTED_ROOM_VERSION',
  ],
  ['a room whose name is a number', post('/v3/createRoom', '{"name":7}'), 400, 'M_BAD_JSON'],
  ['inviting nobody', post('/v3/rooms/{room}/invite', '{}'), 400, 'M_MISSING_PARAM'],
  ['pages from nowhere', get('/v3/rooms/{room}/messages?dir=b&from=nope'), 400, 'M_INVALID_PARAM'],
  ['pages in no direction', get('/v3/rooms/{room}/messages?dir=x'), 400, 'M_INVALID_PARAM'],
  ['a limit that is none', get('/v3/rooms/{room}/messages?dir=b&limit=abc'), 400, 'M_INVALID_PARAM'],
  ['an event that does not exist', get('/v3/rooms/{room}/event/$nope'), 404, 'M_NOT_FOUND'],
  ['a sync since never', get('/v3/sync?since=nope'), 400, 'M_INVALID_PARAM'],
  ['a sync with a timeout that is none', get('/v3/sync?timeout=abc'), 400, 'M_INVALID_PARAM'],
  ['a filter that is not JSON', get('/v3/sync?timeout=0&filter=%7B'), 400, 'M_INVALID_PARAM'],
  ['a filter that does not exist', get('/v3/sync?timeout=0&filter=77'), 400, 'M_INVALID_PARAM'],
];

describe('what a client does wrong is told to it, at once:', () => {
  it.each(rows)('%s', async (_what, request, status, errcode) => {
    expectError(await send(request), status, errcode);
  });
});

describe('what is no request at all', () => {
  const oddities: readonly (readonly [what: string, bytes: string, status: number, errcode: string])[] = [
    ['garbage', '\u0000\u0001\u0002 garbage\r\n\r\n', 405, 'M_UNRECOGNIZED'],
    [
      'a TLS greeting',
      '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
      405,
      'M_UNRECOGNIZED',
    ],
    ['another protocol', 'EHLO localhost\r\n\r\n', 405, 'M_UNRECOGNIZED'],
    ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'M_UNKNOWN'],
    ['HTTP/9', 'GET / HTTP/9.9\r\nConnection: close\r\n\r\n', 400, 'M_UNKNOWN'],
    ['a method nobody knows', 'BREW / HTTP/1.1\r\n\r\n', 405, 'M_UNRECOGNIZED'],
    ['a header without a colon', 'GET / HTTP/1.1\r\nnonsense\r\n\r\n', 400, 'M_UNKNOWN'],
    [
      'two different lengths',
      'POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
      'M_UNKNOWN',
    ],
    [
      'a chunk that is none',
      'POST /_matrix/client/v3/login HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      400,
      'M_UNKNOWN',
    ],
  ];
  it.each(oddities)('%s: is answered all the same', async (_what, bytes, status, errcode) => {
    expectError(await exchange(server.url, Buffer.from(bytes, 'latin1')), status, errcode);
  });

  it('a request without a host is one all the same', async () => {
    const bytes = Buffer.from(`GET ${client}/versions HTTP/1.1\r\nConnection: close\r\n\r\n`);
    const answer = await exchange(server.url, bytes);
    expectManners(answer);
    expect(answer.status).toBe(200);
  });

  it('garbage behind a request is not taken for an answer to it', async () => {
    const bytes = Buffer.from(`GET ${client}/versions HTTP/1.1\r\nHost: localhost\r\n\r\n\0garbage\r\n\r\n`);
    const answer = await exchange(server.url, bytes);
    // The connection may be gone before the answer.
    expect([200, undefined]).toContain(answer?.status);
  });

  it('a thousand connections that say nothing are in nobody’s way', async () => {
    const { hostname, port } = new URL(server.url);
    const idle = Array.from({ length: 1_000 }, () => connect(Number(port), hostname).on('error', () => {}));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    const answer = await send(get('/v3/account/whoami'));
    for (const socket of idle) socket.destroy();
    expectManners(answer);
    expect(answer.status).toBe(200);
  });
});

describe('what looks wrong and is not', () => {
  const scheduled = async (request: RawRequest): Promise<{ refresh_token: string }> => {
    const answer = await send(request);
    expectManners(answer);
    expect(answer.status).toBe(200);
    for (const token of Object.values<string>(answer.body)) secrets.add(token);
    return answer.body;
  };

  it('__proto__ is a key like any other, in a future too', async () => {
    const content = '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}';
    await scheduled(put('/v3/rooms/{room}/state_future/com.example/proto?future_timeout=1', content));
    const state = async (): Promise<string> => {
      const { body } = await alice.request('GET', `/v3/rooms/${room}/state/com.example/proto`);
      return JSON.stringify(body);
    };
    await expect.poll(state).toBe(content);
  });

  it.each(['!unknown:localhost', `!${'a'.repeat(43)}`])(
    'a future for the room %s, which is not there, is taken in; its outcome is that it failed',
    async (elsewhere) => {
      const path = `/v3/rooms/${elsewhere}/send_future/m.room.message/1?future_timeout=1`;
      const { refresh_token: token } = await scheduled(put(path));
      await expect.poll(async () => (await send(post(`/v3/futures/${token}`)))?.status).toBe(410);
    },
  );
});

describe('the largest event', () => {
  /** The most padding that is taken in. */
  async function largest(statusOf: (size: number) => Promise<number>): Promise<number> {
    let taken = 60_000;
    let refused = 66_000;
    expect(await statusOf(taken)).toBe(200);
    expect(await statusOf(refused)).toBe(413);
    while (refused - taken > 1) {
      const middle = Math.floor((taken + refused) / 2);
      if ((await statusOf(middle)) === 200) taken = middle;
      else refused = middle;
    }
    return taken;
  }

  const kinds: readonly (readonly [what: string, path: string, content: object])[] = [
    ['a message', 'send_future/m.room.message/TXN', { msgtype: 'm.text', body: '' }],
    ['a redaction', 'send_future/m.room.redaction/TXN', { redacts: 'EVENT' }],
    ['state', 'state_future/com.example/TXN', {}],
    ['an invitation', 'state_future/m.room.member/@TXN:localhost', { membership: 'invite' }],
  ];
  const cases = ['10', '11', '12'].flatMap((version) => kinds.map((kind) => [version, ...kind] as const));

  it.each(cases)(
    'of room version %s that is taken in as a future is sent, and one byte more is refused at once: %s',
    async (version, _what, path, content) => {
      const created = await alice.request('POST', '/v3/createRoom', { room_version: version });
      const own = encodeURIComponent(created.body.room_id);
      const said = await alice.request(
        'PUT',
        `/v3/rooms/${own}/send/m.room.message/1`,
        text('to be redacted'),
      );
      let count = 0;
      const schedule = async (size: number): Promise<RawAnswer> => {
        // Characters of two, six and two bytes: what counts is what they are in the form that servers exchange.
        const padded = JSON.stringify({ ...content, reason: `ä\u0001"${'x'.repeat(size)}` });
        const body = padded.replace('EVENT', said.body.event_id);
        const place = path.replace('TXN', `t${count++}`);
        const answer = await send(put(`/v3/rooms/${own}/${place}?future_timeout=100000`, body));
        expectManners(answer);
        return answer;
      };
      const size = await largest(async (padding) => (await schedule(padding)).status);
      expectError(await schedule(size + 1), 413, 'M_TOO_LARGE');
      const { body } = await schedule(size);
      const answer = await send(post(`/v3/futures/${body.send_token}`));
      expectManners(answer);
      expect(answer).toMatchObject({ status: 200, body: {} });
    },
  );
});

describe('anything else', () => {
  const names = [
    ...['v3', 'r0', 'v1', 'unstable', 'org.matrix.msc4140', 'dev.matrix-futures', 'rooms', '{room}', 'send'],
    ...[
      'state',
      'send_future',
      'state_future',
      'm.room.message',
      'm.room.member',
      'futures',
      'future',
      'tokens',
    ],
    ...['delayed_events', 'reissue', 'sync', 'account', 'whoami', 'devices', 'profile', '@alice:localhost'],
    ...[
      'displayname',
      'user',
      'filter',
      'account_data',
      'pushrules',
      'global',
      'override',
      'messages',
      'members',
    ],
    ...[
      'event',
      'context',
      'typing',
      'receipt',
      'm.read',
      'redact',
      'createRoom',
      'join',
      'invite',
      'register',
    ],
    ...['login', 'capabilities'],
  ];
  const anyText = fc
    .string({ unit: 'binary', maxLength: 20 })
    .map((text) => encodeURIComponent(text.toWellFormed()));
  const pieces = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...names) },
    { weight: 1, arbitrary: fc.constantFrom('', '.', '..', '%2F', '%00', '%zz', '%ED%A0%80', '__proto__') },
    { weight: 1, arbitrary: anyText },
    { weight: 1, arbitrary: fc.stringMatching(/^[!-~]{0,20}$/) },
  );
  // `*`: anything
  const known = [
    ...[
      'send/*/*',
      'state/*/*',
      'state/*',
      'send_future/*/*',
      'state_future/*/*',
      'send/future/*',
      'messages',
    ],
    ...[
      'members',
      'event/*',
      'context/*',
      'redact/*/*',
      'typing/*',
      'receipt/*/*',
      'invite',
      'kick',
      'ban',
      'unban',
    ],
    ...['join', 'read_markers', 'joined_members', 'aliases'],
  ].map((path) => `v3/rooms/{room}/${path}`);
  const others = [
    ...[
      'v3/rooms/*/*/*/*',
      'v3/futures/*',
      'v3/futures',
      'v1/future/*',
      'v3/sync',
      'v3/createRoom',
      'v3/join/*',
    ],
    ...['v3/register', 'v3/login', 'v3/account/whoami', 'v3/devices', 'v3/devices/*', 'v3/delete_devices'],
    ...['v3/user/@alice:localhost/filter', 'v3/user/@alice:localhost/filter/*', 'v3/user/*/account_data/*'],
    ...['v3/user/@alice:localhost/rooms/{room}/account_data/*', 'v3/user/@alice:localhost/account_data/*'],
    ...[
      'v3/profile/*',
      'v3/profile/@alice:localhost/*',
      'v3/pushrules/global/*/*',
      'v3/pushrules/global/*/*/*',
    ],
    ...['v3/account/password', 'v3/register/available', 'v3/joined_rooms', 'v3/capabilities', 'versions'],
    ...['unstable/dev.matrix-futures/tokens', 'unstable/dev.matrix-futures/*'],
    ...['unstable/io.element.msc3140/rooms/{room}/send/future/*', 'unstable/org.matrix.msc4140/futures/*'],
    ...['unstable/org.matrix.msc4140/delayed_events', 'unstable/org.matrix.msc4140/delayed_events/*'],
    ...['unstable/org.matrix.msc4140/delayed_events/*/*', 'v3/presence/*/status', 'v3/keys/*'],
  ];
  const template = fc.constantFrom(...known, ...known, ...others);
  const filled = fc
    .tuple(template, fc.array(pieces, { minLength: 4, maxLength: 4 }))
    .map(([path, some]) =>
      path.split('/').map((part, index) => (part === '*' ? (some[index % 4] ?? '') : part)),
    );
  const paths = fc.oneof(
    { weight: 3, arbitrary: filled },
    { weight: 1, arbitrary: fc.array(pieces, { minLength: 1, maxLength: 7 }) },
  );
  const parameters = fc.constantFrom(
    ...[
      'future_timeout',
      'future_group_id',
      'org.matrix.msc4140.delay',
      'dir',
      'from',
      'limit',
      'since',
      'filter',
    ],
    ...['ts', 'set_presence', 'full_state', 'org.matrix.msc4354.sticky_duration_ms', 'kind', '%zz'],
  );
  const values = fc.oneof(
    fc.constantFrom('', '0', '-1', '1.5', '1e30', 'abc', 'b', 's1', '{}', 'true', '%zz', '9999999999999'),
    fc.nat().map(String),
    anyText,
  );
  const keys = fc.constantFrom(
    ...[
      'type',
      'content',
      'timeout',
      'send_on_timeout',
      'send_now',
      'user_id',
      'auth',
      'tokens',
      'membership',
    ],
    ...['action', 'room_version', 'msgtype', 'body', 'm.relates_to', '__proto__'],
  );
  const bodies = fc.oneof(
    fc.json(),
    fc.object({ key: keys }).map((value) => JSON.stringify(value)),
    fc.uint8Array({ maxLength: 200 }),
    fc.constant(''),
  );
  const requests = fc.record({
    method: fc.constantFrom(
      'GET',
      'PUT',
      'PUT',
      'POST',
      'DELETE',
      'HEAD',
      'OPTIONS',
      'PATCH',
      'QUERY',
      'LOCK',
    ),
    path: paths,
    query: fc.array(fc.tuple(parameters, values), { maxLength: 3 }),
    body: bodies,
    headers: fc.constantFrom({}, {}, {}, { authorization: '' }),
  });

  it('is answered by success or by a Matrix error, never by a fault of the server', async () => {
    const told = fc.asyncProperty(requests, async ({ method, path, query, body, headers }) => {
      const parts = query.map(([name, value]) => `${name}=${value}`).join('&');
      const target = `${client}/${path.join('/')}${parts === '' ? '' : `?${parts}`}`;
      const answer = await send({ method, target, body, headers });
      expectManners(answer);
      expect(answer.status).toBeLessThan(500);
      if (answer.status < 400 || answer.body === null) return;
      const error = { errcode: expect.any(String) as unknown, error: expect.any(String) as unknown };
      // What a user-interactive endpoint asks for is 401, too, and says so by its flows.
      if (!('flows' in answer.body)) expect(answer.body).toMatchObject(error);
    });
    await fc.assert(told, { numRuns: 1_000 });
  }, 60_000);
});

describe('after all that', () => {
  it('what was scheduled before is sent, once, by the same process', async () => {
    const canaries = async (): Promise<number> => {
      const { body } = await alice.request('GET', `/v3/rooms/${room}/messages?dir=b&limit=1000`);
      const chunk: { content: { body?: unknown } }[] = body.chunk;
      return chunk.filter(({ content }) => content.body === canary).length;
    };
    await expect.poll(canaries).toBe(1);
    expect(process.kill(server.pid, 0)).toBe(true);
  });

  it('the answers were there soon: all but the few that met with a pause of the machine', () => {
    const slow = times.filter((took) => took >= 1_000);
    expect(slow.length).toBeLessThanOrEqual(times.length / 20);
  });

  it('its log has neither faults nor secrets', async () => {
    const { code, stderr } = await server.stop();
    expect(code).toBe(0);
    expect(stderr).toContain('"status":410');
    // 20 and 30: debug and info
    const faults = stderr.split('\n').filter((line) => line !== '' && !/^\{"level":[23]0,/.test(line));
    expect(faults).toEqual([]);
    for (const secret of secrets) expect(stderr.includes(secret), 'a secret in the log').toBe(false);
  });
});

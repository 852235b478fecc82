import { describe, expect, test } from 'vitest';
import { serve, type Served } from './served.ts';

const send = '/v3/rooms/!room:test/send_future/m.x/t1';
const state = '/v3/rooms/!room:test/state_future/m.s/key';
const features = ['io.element.msc3140', 'io.element.msc4140', 'org.matrix.msc4140'];

const tokens = {
  send_token: expect.stringMatching(/^[\w-]{22}$/),
  cancel_token: expect.stringMatching(/^[\w-]{22}$/),
  refresh_token: expect.stringMatching(/^[\w-]{22}$/),
  future_group_id: expect.any(String),
};

describe('what is asked for', () => {
  test('a timeout alone makes a timeout future in a new group with a generated id', async () => {
    const served = await serve();
    const one = await served.put(`${send}?future_timeout=1000`, { a: 1 });
    const two = await served.put('/v3/rooms/!room:test/send_future/m.x/t2?future_timeout=1000');
    expect(one).toMatchObject({ status: 200, body: tokens });
    expect(Object.keys(one.body)).toHaveLength(4);
    expect(two.body.future_group_id).not.toBe(one.body.future_group_id);
    await served.pass(1_000);
    expect(served.homeserver.sent[0]?.draft).toMatchObject({
      room: '!room:test',
      sender: '@alice:test',
      type: 'm.x',
      stateKey: null,
      content: { a: 1 },
    });
  });

  test('timeout and group make a timeout future in that group, whose name has up to 255 bytes', async () => {
    const served = await serve();
    const longest = 'g'.repeat(255);
    const first = await served.put(
      `/v3/rooms/!room:test/send_future/m.x/t0?future_timeout=1000&future_group_id=${longest}`,
    );
    expect(first).toMatchObject({ status: 200, body: { ...tokens, future_group_id: longest } });
    const answer = await served.put(`${send}?future_timeout=1000&future_group_id=G%20%26`);
    expect(answer).toMatchObject({ status: 200, body: { ...tokens, future_group_id: 'G &' } });
  });

  test('a group alone makes an action future, which has no refresh token and is sent by its token only', async () => {
    const served = await serve();
    await served.put(`${send}?future_timeout=1000&future_group_id=G`);
    const action = await served.put(`/v3/rooms/!other:test/send_future/m.action/t2?future_group_id=G`);
    expect(action.body).toEqual({
      send_token: tokens.send_token,
      cancel_token: tokens.cancel_token,
      future_group_id: 'G',
    });
    expect((await served.use(action.body.send_token)).status).toBe(200);
    expect(served.types()).toEqual(['m.action']);
  });

  test.each<[what: string, path: string, stateKey: string]>([
    ['the key in the path', '/v3/rooms/!room:test/state_future/m.s/k%2F1', 'k/1'],
    ['the key left out, with the slash', '/v3/rooms/!room:test/state_future/m.s/', ''],
    ['the key left out, without the slash', '/v3/rooms/!room:test/state_future/m.s', ''],
    ['on plain state', '/v3/rooms/!room:test/state/m.s/k', 'k'],
    ['on plain state without key and slash', '/v3/rooms/!room:test/state/m.s', ''],
    ['on plain state without key', '/r0/rooms/!room:test/state/m.s/', ''],
    ...features.map((feature): [string, string, string] => [
      feature,
      `/unstable/${feature}/rooms/!room:test/state_future/m.s/k`,
      'k',
    ]),
  ])('a state future: %s', async (_what, path, stateKey) => {
    const served = await serve();
    expect(await served.put(`${path}?future_timeout=10`)).toMatchObject({ status: 200, body: tokens });
    await served.pass(10);
    expect(served.homeserver.sent[0]?.draft).toMatchObject({ type: 'm.s', stateKey });
  });

  test.each([
    '/v3/rooms/!room:test/send_future/m.x/t',
    '/v3/rooms/%21room%3Atest/send_future/m.x/t',
    '/v3/rooms/!room:test/send/m.x/t',
    '/r0/rooms/!room:test/send/m.x/t',
    '/v3/rooms/!room:test/send/future/t',
    ...features.map((feature) => `/unstable/${feature}/rooms/!room:test/send_future/m.x/t`),
  ])('a message future by PUT %s', async (path) => {
    const served = await serve();
    expect(await served.put(`${path}?future_timeout=10`)).toMatchObject({ status: 200, body: tokens });
    expect(served.types()).toEqual([]);
    await served.pass(10);
    expect(served.types()).toEqual([path.includes('/send/future/') ? 'future' : 'm.x']);
  });

  test.each([
    'future_timeout=10',
    'future%5Ftimeout=10',
    ...features.map((feature) => `${feature}.future_timeout=10`),
  ])('the parameter spelled %s is never ignored on the plain endpoints', async (query) => {
    const served = await serve();
    expect(await served.put(`/v3/rooms/!room:test/send/m.x/t?${query}`)).toMatchObject({
      status: 200,
      body: tokens,
    });
    expect(await served.put(`/v3/rooms/!room:test/state/m.s/k?${query}`)).toMatchObject({
      status: 200,
      body: tokens,
    });
    expect(served.types()).toEqual([]);
  });

  test('plain requests without the parameters stay plain', async () => {
    const served = await serve();
    expect((await served.put('/v3/rooms/!room:test/send/m.x/t?other=1')).body).toEqual({
      event_id: expect.stringMatching(/^\$/),
    });
    expect((await served.put('/v3/rooms/!room:test/state/m.s/k')).body).toEqual({
      event_id: expect.any(String),
    });
    expect(served.types()).toEqual(['m.x', 'm.s']);
  });

  test('other parameters of the plain endpoints are kept, `ts` for application services only', async () => {
    const served = await serve();
    const query = 'future_timeout=5&ts=1234&org.matrix.msc4354.sticky_duration_ms=60000';
    for (const as of ['bridge', 'puppeteer', 'alice'])
      await served.put(`/v3/rooms/!room:test/send_future/m.x/t?${query}`, {}, as);
    await served.put(`/v3/rooms/!room:test/send_future/m.x/u?future_timeout=5&ts=rubbish`, {}, 'alice');
    await served.pass(5);
    expect(served.homeserver.sent.map(({ draft }) => draft.extras)).toEqual([
      { ts: 1234, stickyDurationMs: 60_000 },
      { ts: 1234, stickyDurationMs: 60_000 },
      { stickyDurationMs: 60_000 },
      {},
    ]);
    expect(served.homeserver.sent.map(({ timestamp }) => timestamp)).toEqual([
      1234,
      1234,
      served.time.wall(),
      served.time.wall(),
    ]);
  });

  test('whether the room wants the event is judged when it is sent, never before', async () => {
    const served = await serve();
    const unknown = await served.put('/v3/rooms/!unknown:test/send_future/m.x/t1?future_timeout=10');
    expect(unknown.status).toBe(200);
    const sent = await served.use(unknown.body.send_token);
    expect(sent).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect((await served.use(unknown.body.refresh_token)).status).toBe(200);
    await served.pass(10);
    expect((await served.use(unknown.body.send_token)).status).toBe(410);
  });
});

describe('errors', () => {
  const timeoutRule = /whole number of milliseconds/;
  test.each<[what: string, path: string, status: number, errcode: string]>([
    ['neither parameter', send, 400, 'M_MISSING_PARAM'],
    ['neither parameter, state', state, 400, 'M_MISSING_PARAM'],
    ...['0', '-1', '1.5', '1e30', 'abc', '', '%2B10', '0x10', '10ms', '٣', 'NaN'].map(
      (timeout): [string, string, number, string] => [
        `timeout "${timeout}"`,
        `${send}?future_timeout=${timeout}`,
        400,
        'M_INVALID_PARAM',
      ],
    ),
    ['an empty group id', `${send}?future_timeout=1&future_group_id=`, 400, 'M_INVALID_PARAM'],
    [
      'a group id of 256 bytes',
      `${send}?future_timeout=1&future_group_id=${'%C3%A9'.repeat(128)}`,
      400,
      'M_INVALID_PARAM',
    ],
    [
      'a bad sticky duration',
      `${send}?future_timeout=1&org.matrix.msc4354.sticky_duration_ms=3600001`,
      400,
      'M_INVALID_PARAM',
    ],
    ['a room id without !', '/v3/rooms/room:test/send_future/m.x/t?future_timeout=1', 400, 'M_INVALID_PARAM'],
    [
      'a type over 255 bytes',
      `/v3/rooms/!room:test/send_future/${'x'.repeat(256)}/t?future_timeout=1`,
      413,
      'M_TOO_LARGE',
    ],
    [
      'a state key over 255 bytes',
      `/v3/rooms/!room:test/state_future/m/${'x'.repeat(256)}?future_timeout=1`,
      413,
      'M_TOO_LARGE',
    ],
    [
      'a message without msgtype',
      '/v3/rooms/!room:test/send_future/m.room.message/t?future_timeout=1',
      400,
      'M_BAD_JSON',
    ],
    [
      'a path that does not decode',
      '/v3/rooms/%zz/send_future/m.x/t?future_timeout=1',
      400,
      'M_INVALID_PARAM',
    ],
    ['a query that does not decode', `${send}?future_timeout=1&future_group_id=%ff`, 400, 'M_INVALID_PARAM'],
    ['no transaction id', '/v3/rooms/!room:test/send_future/m.x/?future_timeout=1', 404, 'M_UNRECOGNIZED'],
    ['an action future without a timeout future', `${send}?future_group_id=G`, 409, 'M_UNKNOWN_FUTURE_GROUP'],
  ])('%s', async (_what, path, status, errcode) => {
    const served = await serve();
    const answer = await served.put(path);
    expect(answer).toMatchObject({ status, body: { errcode, error: expect.any(String) } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect((await served.request('GET', '/v3/futures')).body).toEqual([]);
  });

  test('the error of a bad timeout names the value and the rule', async () => {
    const served = await serve();
    const { body } = await served.put(`${send}?future_timeout=1.5`);
    expect(body.error).toContain('1.5');
    expect(body.error).toMatch(timeoutRule);
  });

  test.each([
    ['not JSON', '{', 'M_NOT_JSON'],
    ['nothing', '', 'M_NOT_JSON'],
    ['an array', '[]', 'M_BAD_JSON'],
    ['a string', '"x"', 'M_BAD_JSON'],
    ['half a surrogate pair', '{"a":"\\ud800"}', 'M_BAD_JSON'],
    ['deep nesting', `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 'M_BAD_JSON'],
  ])('a body that is %s is refused', async (_what, raw, errcode) => {
    const served = await serve();
    const answer = await served.request('PUT', `${send}?future_timeout=1`, { raw });
    expect(answer).toMatchObject({ status: 400, body: { errcode } });
  });

  test('`__proto__` is a key like any other', async () => {
    const served = await serve();
    const raw = '{"__proto__":{"a":1},"constructor":2}';
    await served.request('PUT', `${send}?future_timeout=1`, { raw });
    await served.pass(1);
    expect(JSON.stringify(served.homeserver.sent[0]?.draft.content)).toBe(raw);
  });

  test('a timeout above the maximum is named with the maximum', async () => {
    const served = await serve({ limits: { maxTimeout: 5_000 } });
    for (const timeout of ['5001', '9'.repeat(30)]) {
      const answer = await served.put(`${send}?future_timeout=${timeout}`);
      expect(answer).toMatchObject({
        status: 400,
        body: { errcode: 'M_FUTURE_MAX_TIMEOUT_EXCEEDED', max_future_timeout: 5_000 },
      });
      expect(answer.body.error).toContain('5000');
    }
    expect((await served.put(`${send}?future_timeout=5000`)).status).toBe(200);
  });

  test('a group that has sent its event takes no more futures', async () => {
    const served = await serve();
    await served.put(`${send}?future_timeout=10&future_group_id=G`);
    await served.pass(10);
    const again = await served.put(
      '/v3/rooms/!room:test/send_future/m.x/t2?future_timeout=10&future_group_id=G',
    );
    expect(again).toMatchObject({ status: 409, body: { errcode: 'M_UNKNOWN_FUTURE_GROUP' } });
  });

  test('a group that was cancelled whole has its name free again', async () => {
    const served = await serve();
    const { body } = await served.put(`${send}?future_timeout=10&future_group_id=G`);
    await served.use(body.cancel_token);
    const again = await served.put(
      '/v3/rooms/!room:test/send_future/m.x/t2?future_timeout=10&future_group_id=G',
    );
    expect(again.status).toBe(200);
  });

  test('the same group id of two users names two groups', async () => {
    const served = await serve();
    await served.put(`${send}?future_timeout=10&future_group_id=G`, {}, 'alice');
    expect((await served.put(`${send}?future_group_id=G`, {}, 'bob')).status).toBe(409);
  });

  test('too many scheduled is 429 with the time until the next is due, in the body and rounded up in the header', async () => {
    const served = await serve({ limits: { pendingPerUser: 1 } });
    await served.put(`${send}?future_timeout=1001`);
    const answer = await served.put('/v3/rooms/!room:test/send_future/m.x/t2?future_timeout=5000');
    expect(answer).toMatchObject({
      status: 429,
      body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1001 },
    });
    expect(answer.headers.get('retry-after')).toBe('2');
    expect((await served.put(`${send}?future_timeout=1`, {}, 'bob')).status).toBe(200);
  });

  test.each([
    ['no login', null, 'M_MISSING_TOKEN'],
    ['an unknown login', 'mallory', 'M_UNKNOWN_TOKEN'],
  ])('%s is 401 before anything else is judged', async (_what, as, errcode) => {
    const served = await serve();
    for (const path of [
      send,
      state,
      '/v3/rooms/!room:test/send/m.x/t?future_timeout=x',
      '/v3/rooms/!r/send/future/t',
    ]) {
      const answer = await served.request('PUT', path, { as, raw: '{' });
      expect(answer).toMatchObject({ status: 401, body: { errcode } });
    }
  });

  test('what cannot be stored is 503, and nothing half-done', async () => {
    const served = await serve();
    served.breakStore(true);
    const answer = await served.put(`${send}?future_timeout=10`);
    expect(answer).toMatchObject({ status: 503, body: { errcode: 'M_UNKNOWN' } });
    served.breakStore(false);
    expect((await served.request('GET', '/v3/futures')).body).toEqual([]);
    expect((await served.put(`${send}?future_timeout=10`)).status).toBe(200);
  });
});

describe('transactions', () => {
  const other = '/v3/rooms/!room:test/send_future/m.x/t2';
  const paths = [
    send,
    '/r0/rooms/!room:test/send_future/m.x/t1',
    '/v3/rooms/!room:test/send/m.x/t1',
    ...features.map((feature) => `/unstable/${feature}/rooms/!room:test/send_future/m.x/t1`),
  ];

  const pending = async (served: Served) => (await served.request('GET', '/v3/futures')).body.length;

  test('a repeat answers what was answered the first time, by whichever spelling of the path', async () => {
    const served = await serve();
    const first = await served.put(`${send}?future_timeout=1000&future_group_id=G`);
    for (const path of paths) {
      const again = await served.put(`${path}?future_timeout=1000`);
      expect(again).toMatchObject({ status: 200, text: first.text });
    }
    expect(await pending(served)).toBe(1);
  });

  test('a repeat is answered before parameters and body are judged, and after it was used', async () => {
    const served = await serve();
    const first = await served.put(`${send}?future_timeout=1000`);
    await served.use(first.body.send_token);
    for (const query of ['', '?future_timeout=abc', '?future_group_id=']) {
      expect(await served.request('PUT', `${send}${query}`, { raw: '{' })).toMatchObject({
        status: 200,
        text: first.text,
      });
    }
  });

  test('duplicates at the same moment make one future', async () => {
    const served = await serve();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => served.put(`${send}?future_timeout=1000`)),
    );
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await pending(served)).toBe(1);
  });

  test('only successes are remembered', async () => {
    const served = await serve();
    expect((await served.put(`${send}?future_timeout=0`)).status).toBe(400);
    expect((await served.put(`${send}?future_timeout=10`)).status).toBe(200);
  });

  test.each([
    ['another device', 'alice2', send],
    ['another user', 'bob', send],
    ['another transaction id', 'alice', other],
    ['another room', 'alice', '/v3/rooms/!other:test/send_future/m.x/t1'],
    ['another type', 'alice', '/v3/rooms/!room:test/send_future/m.y/t1'],
  ])('%s is another transaction', async (_what, as, path) => {
    const served = await serve();
    const first = await served.put(`${send}?future_timeout=1000`);
    const second = await served.put(`${path}?future_timeout=1000`, {}, as);
    expect(second.status).toBe(200);
    expect(second.text).not.toBe(first.text);
  });

  test('without a device, the login is the scope', async () => {
    const served = await serve();
    const first = await served.put(`${send}?future_timeout=1000`, {}, 'bridge1');
    expect((await served.put(`${send}?future_timeout=1000`, {}, 'bridge1')).text).toBe(first.text);
    expect((await served.put(`${send}?future_timeout=1000`, {}, 'bridge2')).text).not.toBe(first.text);
  });

  test('send, send_future and a delayed send are three scopes', async () => {
    const served = await serve();
    await served.put('/v3/rooms/!room:test/send/m.x/t1');
    await served.put(`${send}?future_timeout=1000`);
    const delayed = await served.put('/v3/rooms/!room:test/send/m.x/t1?org.matrix.msc4140.delay=1000');
    expect(delayed.body).toEqual({ delay_id: expect.any(String) });
    expect(await pending(served)).toBe(2);
    expect(served.types()).toEqual(['m.x']);
  });

  test('state futures have none, but for the vendor parameter', async () => {
    const served = await serve();
    const bare = [
      await served.put(`${state}?future_timeout=1000`),
      await served.put(`${state}?future_timeout=1000`),
    ];
    expect(bare[0]?.text).not.toBe(bare[1]?.text);
    const query = 'future_timeout=1000&dev.matrix-futures.txn_id=a';
    const first = await served.put(`${state}?${query}`);
    expect((await served.put(`${state}?${query}`)).text).toBe(first.text);
    expect((await served.put(`/v3/rooms/!room:test/state/m.s/key?${query}`)).text).toBe(first.text);
    expect((await served.put(`${state}?${query.replace('=a', '=b')}`)).text).not.toBe(first.text);
    expect((await served.put(`/v3/rooms/!room:test/state_future/m.s/?${query}`)).text).not.toBe(first.text);
    expect((await served.put(`/v3/rooms/!room:test/send_future/m.s/a?future_timeout=1000`)).text).not.toBe(
      first.text,
    );
  });
});

import { connect } from 'node:net';
import type { UseAnswer } from '@matrix-futures/engine';
import { describe, expect, test } from 'vitest';
import { serve, type Served } from './served.ts';

const features = ['io.element.msc3140', 'io.element.msc4140', 'org.matrix.msc4140'];
const prefixes = [
  '/v3/futures/',
  '/v1/future/',
  ...features.flatMap((feature) => [`/unstable/${feature}/futures/`, `/unstable/${feature}/future/`]),
];

let transactions = 0;
async function schedule(served: Served, query = 'future_timeout=1000', path = 'send_future/m.x') {
  const place = path.startsWith('send') ? `/${(transactions += 1)}` : '';
  const { body } = await served.put(`/v3/rooms/!room:test/${path}${place}?${query}`);
  return body as { send_token: string; cancel_token: string; refresh_token: string; future_group_id: string };
}

/** Writes bytes to the server and reads until `count` answers have come. */
function exchange(port: number, requests: string, count: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(requests));
    socket.on('data', (bytes) => {
      answer += bytes.toString();
      if (answer.split(/HTTP\/1.1 \d+/).length > count && answer.endsWith('}')) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

describe('what a token does', () => {
  test.each(['POST', 'PUT'])(
    '%s with a send token sends its own future and ends the group',
    async (method) => {
      const served = await serve();
      const one = await schedule(served, 'future_timeout=1000&future_group_id=G');
      const two = await schedule(served, 'future_group_id=G', 'send_future/m.action');
      const answer = await served.use(two.send_token, method);
      expect(answer).toMatchObject({ status: 200, text: '{}' });
      expect(served.types()).toEqual(['m.action']);
      for (const token of [
        one.send_token,
        one.refresh_token,
        one.cancel_token,
        two.send_token,
        two.cancel_token,
      ])
        expect((await served.use(token)).status).toBe(410);
      await served.pass(1_000);
      expect(served.types()).toEqual(['m.action']);
    },
  );

  test.each(['POST', 'PUT'])(
    '%s with a refresh token restarts the timer with the stored timeout',
    async (method) => {
      const served = await serve();
      const { refresh_token: refresh } = await schedule(served);
      await served.pass(999);
      expect(await served.use(refresh, method)).toMatchObject({ status: 200, text: '{}' });
      await served.pass(999);
      expect(served.types()).toEqual([]);
      await served.pass(1);
      expect(served.types()).toEqual(['m.x']);
    },
  );

  test('a cancel token deletes its own future, and the action futures go with the last timeout future', async () => {
    const served = await serve();
    const one = await schedule(served, 'future_timeout=1000&future_group_id=G');
    const two = await schedule(served, 'future_timeout=2000&future_group_id=G');
    const action = await schedule(served, 'future_group_id=G');
    expect(await served.use(one.cancel_token)).toMatchObject({ status: 200, text: '{}' });
    expect((await served.use(two.refresh_token)).status).toBe(200);
    await served.use(two.cancel_token);
    expect((await served.use(action.send_token)).status).toBe(410);
    await served.pass(2_000);
    expect(served.types()).toEqual([]);
  });

  test('new state with the same key, by whomever, invalidates the tokens of a state future', async () => {
    const served = await serve();
    const own = await schedule(served, 'future_timeout=1000', 'state_future/m.s/k');
    await served.put('/v3/rooms/!room:test/state/m.s/other', {}, 'bob');
    expect((await served.use(own.refresh_token)).status).toBe(200);
    await served.put('/v3/rooms/!room:test/state/m.s/k', {}, 'alice');
    expect((await served.use(own.refresh_token)).status).toBe(410);
  });

  test("a send that the room refuses answers the room's own error and leaves the group as it is", async () => {
    const served = await serve();
    const { send_token: send } = await schedule(served);
    served.homeserver.refusal = {
      status: 403,
      errcode: 'M_FORBIDDEN',
      error: 'No power',
      fields: { extra: 1 },
    };
    expect(await served.use(send)).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN', error: 'No power', extra: 1 },
    });
    served.homeserver.refusal = null;
    expect((await served.use(send)).status).toBe(200);
  });

  test('refreshing too often is 429 and not a refresh that does nothing', async () => {
    const served = await serve({ limits: { refreshesPerSecond: 2 } });
    const { refresh_token: refresh } = await schedule(served);
    await served.use(refresh);
    await served.use(refresh);
    const answer = await served.use(refresh);
    expect(answer).toMatchObject({
      status: 429,
      body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1_000 },
    });
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  test('what cannot be stored is 503, and the token still works afterwards', async () => {
    const served = await serve();
    const { refresh_token: refresh } = await schedule(served);
    served.breakStore(true);
    expect(await served.use(refresh)).toMatchObject({ status: 503, body: { errcode: 'M_UNKNOWN' } });
    served.breakStore(false);
    expect((await served.use(refresh)).status).toBe(200);
    expect(served.errors).toEqual([]);
  });
});

describe('how a token is used', () => {
  test.each(prefixes)('under %s', async (prefix) => {
    const served = await serve();
    const { refresh_token: refresh, cancel_token: cancel } = await schedule(served);
    expect(await served.request('POST', prefix + refresh, { as: null })).toMatchObject({
      status: 200,
      text: '{}',
    });
    const encoded = `%${refresh.charCodeAt(0).toString(16)}${refresh.slice(1)}`;
    expect(await served.request('PUT', prefix + encoded, { as: null })).toMatchObject({
      status: 200,
      text: '{}',
    });
    expect(await served.request('PUT', `${prefix}${cancel}?a=/b`, { as: null })).toMatchObject({
      status: 200,
    });
    expect((await served.request('PUT', prefix + cancel, { as: null })).status).toBe(410);
  });

  test.each(['alice', 'a stale login'])('a login sent along is ignored: %s', async (as) => {
    const served = await serve();
    const { refresh_token: refresh, cancel_token: cancel } = await schedule(served);
    expect((await served.request('POST', `/v3/futures/${refresh}`, { as })).status).toBe(200);
    expect((await served.request('POST', `/v3/futures/${cancel}?access_token=stale`, { as })).status).toBe(
      200,
    );
  });

  test.each(['GET', 'DELETE', 'PATCH'])('%s is 405 and uses nothing up', async (method) => {
    const served = await serve();
    const { send_token: send } = await schedule(served);
    const answer = await served.use(send, method);
    expect(answer).toMatchObject({ status: 405, body: { errcode: 'M_UNRECOGNIZED' } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(served.types()).toEqual([]);
    expect((await served.use(send)).status).toBe(200);
  });

  test('unknown, used, invalidated and malformed tokens are one and the same 410', async () => {
    const served = await serve();
    const used = await schedule(served);
    await served.use(used.send_token);
    const invalidated = await schedule(served, 'future_timeout=1000', 'state_future/m.s/k');
    await served.put('/v3/rooms/!room:test/state/m.s/k');
    const delayed = await served.put('/v3/rooms/!room:test/send/m.x/d?org.matrix.msc4140.delay=1000');
    const tokens = [
      used.send_token,
      used.refresh_token,
      used.cancel_token,
      invalidated.refresh_token,
      delayed.body.delay_id,
      'A'.repeat(22),
      'x',
      'A'.repeat(21),
      'A'.repeat(2_000),
      '.',
      '__proto__',
      ':token',
    ].filter((token) => token !== '.');
    const answers = await Promise.all(
      tokens.map((token) =>
        exchange(served.port, `POST /_matrix/client/v3/futures/${token} HTTP/1.1\r\nHost: x\r\n\r\n`, 1),
      ),
    );
    const one = answers.map((answer) => answer.replace(/^Date: .*$/m, 'Date: now'));
    expect(new Set(one).size).toBe(1);
    expect(one[0]).toMatch(/^HTTP\/1.1 410 Gone\r\n/);
    expect(one[0]).toContain('"errcode":"M_NOT_FOUND"');
    expect(one[0]).toContain('Access-Control-Allow-Origin: *');
    expect(one[0]).not.toContain('M_UNKNOWN_TOKEN');
  });

  test('past the fast path the answers are the same', async () => {
    const served = await serve();
    const { refresh_token: refresh } = await schedule(served);
    const slow = `/v3/futures/%${refresh.charCodeAt(0).toString(16)}${refresh.slice(1)}`;
    for (const [fast, other] of [
      [`/v3/futures/${refresh}`, slow],
      ['/v3/futures/AAAA', '/v3/futures/%41AAA'],
    ] as const) {
      const one = await served.request('POST', fast, { as: null });
      const two = await served.request('POST', other, { as: null });
      expect(two.status).toBe(one.status);
      expect(two.text).toBe(one.text);
      expect(two.headers.get('content-type')).toContain('application/json');
      expect(one.headers.get('content-type')).toContain('application/json');
    }
  });

  test('a body, whatever it is, is read past: the next request on the connection is understood', async () => {
    const served = await serve();
    const { refresh_token: refresh, cancel_token: cancel } = await schedule(served);
    const head = (token: string) => `POST /_matrix/client/v3/futures/${token} HTTP/1.1\r\nHost: x\r\n`;
    const bytes = 'x'.repeat(200_000);
    const answer = await exchange(
      served.port,
      `${head(refresh)}Content-Length: ${bytes.length}\r\n\r\n${bytes}` +
        `${head(refresh)}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n` +
        `${head(cancel)}\r\n`,
      3,
    );
    expect(answer.match(/HTTP\/1.1 200 OK/g)).toHaveLength(3);
    expect((await served.use(cancel)).status).toBe(410);
  });

  test.each([
    '/v3/futures/',
    '/v3/futures/a/b',
    '/v3/future/a',
    '/v1/futures/a',
    '/unstable/other/futures/a',
  ])('POST %s is no token', async (path) => {
    const served = await serve();
    expect(await served.request('POST', path, { as: null })).toMatchObject({
      status: 404,
      body: { errcode: 'M_UNRECOGNIZED' },
    });
  });
});

describe('answers that only a homeserver elsewhere brings about', () => {
  test.each<[answer: UseAnswer, status: number, errcode: string]>([
    [{ kind: 'undecided' }, 504, 'M_UNKNOWN'],
    [{ kind: 'busy' }, 503, 'M_UNKNOWN'],
    [{ kind: 'limited', retryAfter: 2_001 }, 429, 'M_LIMIT_EXCEEDED'],
    [{ kind: 'refused', error: { status: 502, errcode: 'M_UNKNOWN', error: 'away' } }, 502, 'M_UNKNOWN'],
    [{ kind: 'no-timer' }, 410, 'M_NOT_FOUND'],
  ])('%o', async (answer, status, errcode) => {
    const served = await serve();
    served.futures.use = () => Promise.resolve(answer);
    for (const token of ['AAAA', '%41AAA'])
      expect(await served.use(token)).toMatchObject({ status, body: { errcode } });
    if (status === 429) expect((await served.use('AAAA')).headers.get('retry-after')).toBe('3');
  });

  test('a defect is 500, is told, and says nothing to the client', async () => {
    const served = await serve();
    const defect = new Error('secret');
    served.futures.use = () => Promise.reject(defect);
    const answer = await served.use('AAAA');
    expect(answer).toMatchObject({ status: 500, body: { errcode: 'M_UNKNOWN' } });
    expect(answer.text).not.toContain('secret');
    expect(served.errors).toEqual([defect]);
  });
});

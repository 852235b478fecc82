import { describe, expect, test } from 'vitest';
import { serve, type Served } from './served.ts';

const events = '/unstable/org.matrix.msc4140/delayed_events';
const sendPath = '/v3/rooms/!room:test/send/m.x/t1';
const statePath = '/v3/rooms/!room:test/state/m.s/k';

async function delay(served: Served, path = statePath, ms = 1_000): Promise<string> {
  return (await served.put(`${path}?org.matrix.msc4140.delay=${ms}`)).body.delay_id;
}

describe('scheduling', () => {
  test.each([
    sendPath,
    '/r0/rooms/!room:test/send/m.x/t',
    statePath,
    '/v3/rooms/!room:test/state/m.s/',
    '/v3/rooms/!room:test/state/m.s',
  ])('PUT %s with a delay answers the delay id and nothing else', async (path) => {
    const served = await serve();
    const answer = await served.put(`${path}?org.matrix.msc4140.delay=50`, { a: 1 });
    expect(answer).toMatchObject({ status: 200, body: { delay_id: expect.stringMatching(/^[\w-]{22}$/) } });
    expect(Object.keys(answer.body)).toEqual(['delay_id']);
    await served.pass(49);
    expect(served.types()).toEqual([]);
    await served.pass(1);
    expect(served.homeserver.sent[0]?.draft.content).toEqual({ a: 1 });
  });

  test('a delay of 0 is accepted', async () => {
    const served = await serve();
    expect(await served.put(`${sendPath}?org.matrix.msc4140.delay=0`)).toMatchObject({ status: 200 });
    await served.pass(0);
    expect(served.types()).toEqual(['m.x']);
  });

  test.each(['-1', '1.5', 'abc', '', '1e3'])('a delay of "%s" is 400', async (text) => {
    const served = await serve();
    expect(await served.put(`${sendPath}?org.matrix.msc4140.delay=${text}`)).toMatchObject({
      status: 400,
      body: { errcode: 'M_INVALID_PARAM' },
    });
    expect(served.types()).toEqual([]);
  });

  test.each(['5001', '9'.repeat(30)])(
    'a delay of %s, too long, is the error that js-sdk shortens its delay after',
    async (text) => {
      const served = await serve({ limits: { maxTimeout: 5_000 } });
      const answer = await served.put(`${statePath}?org.matrix.msc4140.delay=${text}`);
      expect(answer).toMatchObject({
        status: 400,
        body: {
          errcode: 'M_UNKNOWN',
          'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED',
          'org.matrix.msc4140.max_delay': 5_000,
        },
      });
      expect(await delay(served, statePath, 5_000)).toEqual(expect.any(String));
    },
  );

  test('the extra parameter of a sticky event is kept', async () => {
    const served = await serve();
    await served.put(`${sendPath}?org.matrix.msc4140.delay=1&org.matrix.msc4354.sticky_duration_ms=1000`);
    await served.pass(1);
    expect(served.homeserver.sent[0]?.draft.extras).toEqual({ stickyDurationMs: 1_000 });
  });

  test('a repeated transaction answers the same id before anything is judged', async () => {
    const served = await serve();
    const first = await served.put(`${sendPath}?org.matrix.msc4140.delay=50`);
    const again = await served.request('PUT', `${sendPath}?org.matrix.msc4140.delay=x`, { raw: '{' });
    expect(again).toMatchObject({ status: 200, text: first.text });
  });

  test('too many scheduled is 429 with the time to wait', async () => {
    const served = await serve({ limits: { pendingPerUser: 1 } });
    await delay(served);
    const answer = await served.put(`${sendPath}?org.matrix.msc4140.delay=50`);
    expect(answer).toMatchObject({
      status: 429,
      body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1_000 },
    });
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  test("new state of others cancels, the sender's own does not", async () => {
    const served = await serve();
    const id = await delay(served);
    await served.put(statePath, {}, 'alice');
    expect((await served.request('POST', `${events}/${id}/restart`)).status).toBe(200);
    await served.put(statePath, {}, 'bob');
    expect((await served.request('POST', `${events}/${id}/restart`)).status).toBe(404);
  });
});

describe('acting on a delayed event', () => {
  const forms: [
    what: string,
    act: (served: Served, id: string, action: string, as: string | null) => ReturnType<Served['request']>,
  ][] = [
    ['in the path', (served, id, action, as) => served.request('POST', `${events}/${id}/${action}`, { as })],
    [
      'in the body',
      (served, id, action, as) => served.request('POST', `${events}/${id}`, { as, body: { action } }),
    ],
  ];

  describe.each(forms)('with the action %s', (_what, act) => {
    test.each([null, 'alice', 'alice2'])(
      'login %s: restart counts from now, send sends, cancel cancels',
      async (as) => {
        const served = await serve();
        const sent = await delay(served, sendPath);
        const cancelled = await delay(served);
        await served.pass(999);
        expect(await act(served, sent, 'restart', as)).toMatchObject({ status: 200, text: '{}' });
        expect(await act(served, cancelled, 'cancel', as)).toMatchObject({ status: 200, text: '{}' });
        await served.pass(999);
        expect(served.types()).toEqual([]);
        expect(await act(served, sent, 'send', as)).toMatchObject({ status: 200, text: '{}' });
        await served.pass(2_000);
        expect(served.types()).toEqual(['m.x']);
      },
    );

    test.each(['restart', 'send', 'cancel'])('%s of what is finished or unknown is 404', async (action) => {
      const served = await serve();
      const fired = await delay(served, sendPath, 1);
      await served.pass(1);
      const cancelled = await delay(served);
      await act(served, cancelled, 'cancel', null);
      for (const id of [fired, cancelled, 'A'.repeat(22), 'x']) {
        for (const as of [null, 'alice']) {
          const answer = await act(served, id, action, as);
          expect(answer).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
          expect(answer.headers.get('access-control-allow-origin')).toBe('*');
        }
      }
    });

    test('with a login the event must be the caller’s, and a stale login is 401', async () => {
      const served = await serve();
      const id = await delay(served);
      expect(await act(served, id, 'cancel', 'bob')).toMatchObject({
        status: 404,
        body: { errcode: 'M_NOT_FOUND' },
      });
      expect(await act(served, id, 'cancel', 'stale')).toMatchObject({
        status: 401,
        body: { errcode: 'M_UNKNOWN_TOKEN' },
      });
      expect((await act(served, id, 'restart', 'alice')).status).toBe(200);
    });

    test("a send that the room refuses answers the room's error, and the event stays", async () => {
      const served = await serve();
      const id = await delay(served);
      served.homeserver.refusal = { status: 403, errcode: 'M_FORBIDDEN', error: 'No' };
      expect(await act(served, id, 'send', null)).toMatchObject({
        status: 403,
        body: { errcode: 'M_FORBIDDEN' },
      });
      expect((await act(served, id, 'restart', null)).status).toBe(200);
    });

    test('too many restarts are 429 with the time to wait', async () => {
      const served = await serve({ limits: { refreshesPerSecond: 1 } });
      const id = await delay(served);
      await act(served, id, 'restart', null);
      expect(await act(served, id, 'restart', null)).toMatchObject({
        status: 429,
        body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) },
      });
    });
  });

  test('an unknown action in the path is 404 M_UNRECOGNIZED', async () => {
    const served = await serve();
    expect(await served.request('POST', `${events}/${await delay(served)}/explode`)).toMatchObject({
      status: 404,
      body: { errcode: 'M_UNRECOGNIZED' },
    });
  });

  test.each<[what: string, raw: string, errcode: string]>([
    ['no body', '', 'M_NOT_JSON'],
    ['not JSON', '{', 'M_NOT_JSON'],
    ['no action', '{}', 'M_MISSING_PARAM'],
    ['an unknown action', '{"action":"explode"}', 'M_INVALID_PARAM'],
    ['an action that is no string', '{"action":["send"]}', 'M_INVALID_PARAM'],
  ])('in the body, %s is 400', async (_what, raw, errcode) => {
    const served = await serve();
    const id = await delay(served);
    expect(await served.request('POST', `${events}/${id}`, { raw })).toMatchObject({
      status: 400,
      body: { errcode },
    });
  });

  test('tokens of futures are no delay ids', async () => {
    const served = await serve();
    const { body } = await served.put('/v3/rooms/!room:test/send_future/m.x/t?future_timeout=1000');
    for (const token of [body.send_token, body.refresh_token, body.cancel_token])
      expect((await served.request('POST', `${events}/${token}/send`)).status).toBe(404);
    expect(served.types()).toEqual([]);
  });
});

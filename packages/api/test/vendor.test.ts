import { describe, expect, test } from 'vitest';
import { serve, type Served } from './served.ts';

const tokensPath = '/unstable/dev.matrix-futures/tokens';
const reissuePath = '/unstable/dev.matrix-futures/reissue';

async function schedule(served: Served, count: number) {
  const made = [];
  for (let index = 0; index < count; index += 1) {
    const { body } = await served.put(`/v3/rooms/!room:test/send_future/m.x/${index}?future_timeout=1000`);
    made.push(body as { send_token: string; cancel_token: string; refresh_token: string });
  }
  return made;
}

describe('many tokens in one request', () => {
  const useAll = (served: Served, tokens: unknown) =>
    served.request('POST', tokensPath, { as: null, body: { tokens } });

  test('each does what it stands for, with its own result, in order', async () => {
    const served = await serve();
    const [a, b, c] = await schedule(served, 3);
    const tokens = [a?.send_token, 'rubbish', b?.refresh_token, c?.cancel_token, a?.send_token];
    expect(await useAll(served, tokens)).toMatchObject({
      status: 200,
      body: {
        results: [
          { status: 200 },
          { status: 410, errcode: 'M_NOT_FOUND' },
          { status: 200 },
          { status: 200 },
          { status: 410, errcode: 'M_NOT_FOUND' },
        ],
      },
    });
    expect(served.types()).toEqual(['m.x']);
    expect((await served.request('GET', '/v3/futures')).body).toHaveLength(1);
  });

  test('a thousand refreshes', async () => {
    const served = await serve();
    const made = await schedule(served, 50);
    await served.pass(999);
    const tokens = Array.from({ length: 1_000 }, (_, index) => made[index % 50]?.refresh_token);
    const { body } = await useAll(served, tokens);
    expect(body.results).toHaveLength(1_000);
    expect(new Set(body.results.map((result: { status: number }) => result.status))).toEqual(new Set([200]));
    await served.pass(999);
    expect(served.types()).toEqual([]);
  });

  test('a limit is told with the time to wait, and a refusal by the room with its own code', async () => {
    const served = await serve({ limits: { refreshesPerSecond: 1 } });
    const [a] = await schedule(served, 1);
    served.homeserver.refusal = { status: 403, errcode: 'M_FORBIDDEN', error: 'No' };
    const { body } = await useAll(served, [a?.refresh_token, a?.refresh_token, a?.send_token]);
    expect(body.results).toEqual([
      { status: 200 },
      { status: 429, errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1_000 },
      { status: 403, errcode: 'M_FORBIDDEN' },
    ]);
  });

  test('at most 8 sends are under way at once, and refreshes do not wait for them', async () => {
    const served = await serve();
    const waiting: (() => void)[] = [];
    const refreshed = Promise.withResolvers<void>();
    let refreshes = 0;
    served.futures.kindOf = (token) => (token === 'send' ? 'send' : 'refresh');
    served.futures.use = (token) => {
      if (token === 'refresh' && (refreshes += 1) === 200) refreshed.resolve();
      if (token === 'refresh') return Promise.resolve({ kind: 'done' });
      const { promise, resolve } = Promise.withResolvers<{ kind: 'done' }>();
      waiting.push(() => resolve({ kind: 'done' }));
      return promise;
    };
    const tokens = Array.from({ length: 220 }, (_, index) => (index < 20 ? 'send' : 'refresh'));
    const answer = useAll(served, tokens);
    await refreshed.promise;
    for (let sent = 0; sent < 20; sent += 1) {
      expect(waiting.length).toBe(Math.min(8, 20 - sent));
      waiting.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await answer).body.results).toHaveLength(220);
  });

  test('what cannot be stored is 503 for each', async () => {
    const served = await serve();
    const [a, b] = await schedule(served, 2);
    served.breakStore(true);
    const { status, body } = await useAll(served, [a?.refresh_token, b?.cancel_token]);
    expect(status).toBe(200);
    expect(body.results).toEqual([
      { status: 503, errcode: 'M_UNKNOWN' },
      { status: 503, errcode: 'M_UNKNOWN' },
    ]);
  });

  test.each<[what: string, body: unknown, errcode: string]>([
    ['no tokens', {}, 'M_MISSING_PARAM'],
    ['not an array', { tokens: 'x' }, 'M_BAD_JSON'],
    ['not strings', { tokens: ['x', 1] }, 'M_BAD_JSON'],
    ['1,001 of them', { tokens: Array.from({ length: 1_001 }, () => 'x') }, 'M_INVALID_PARAM'],
  ])('%s: 400', async (_what, body, errcode) => {
    const served = await serve();
    expect(await served.request('POST', tokensPath, { as: null, body })).toMatchObject({
      status: 400,
      body: { errcode },
    });
  });

  test('none at all is fine', async () => {
    const served = await serve();
    expect((await useAll(served, [])).body).toEqual({ results: [] });
  });
});

describe('reissue', () => {
  test('makes all tokens of the caller invalid and puts new ones into the list', async () => {
    const served = await serve();
    const [old] = await schedule(served, 2);
    const { body: bobs } = await served.put(
      '/v3/rooms/!room:test/send_future/m.x/b?future_timeout=1000',
      {},
      'bob',
    );
    const delayed = await served.put('/v3/rooms/!room:test/send/m.x/d?org.matrix.msc4140.delay=1000');
    expect(await served.request('POST', reissuePath)).toMatchObject({ status: 200, body: { reissued: 3 } });
    for (const token of [old?.send_token, old?.cancel_token, old?.refresh_token])
      expect((await served.use(token ?? '')).status).toBe(410);
    const restart = `/unstable/org.matrix.msc4140/delayed_events/${delayed.body.delay_id}/restart`;
    expect((await served.request('POST', restart, { as: null })).status).toBe(404);
    expect((await served.use(bobs.refresh_token)).status).toBe(200);
    const entries = (await served.request('GET', '/v3/futures')).body;
    for (const { response } of entries) expect((await served.use(response.refresh_token)).status).toBe(200);
    expect(entries).toHaveLength(3);
  });

  test('a repeated transaction answers the new tokens', async () => {
    const served = await serve();
    const put = () => served.put('/v3/rooms/!room:test/send_future/m.x/t?future_timeout=1000');
    const first = await put();
    await served.request('POST', reissuePath);
    const again = await put();
    expect(again.body.send_token).not.toBe(first.body.send_token);
    expect((await served.use(again.body.refresh_token)).status).toBe(200);
  });

  test('needs a login', async () => {
    const served = await serve();
    expect(await served.request('POST', reissuePath, { as: null })).toMatchObject({
      status: 401,
      body: { errcode: 'M_MISSING_TOKEN' },
    });
  });
});

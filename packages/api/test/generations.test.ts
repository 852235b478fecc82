import { describe, expect, test } from 'vitest';
import { serve } from './served.ts';

describe('futures switched off', () => {
  const off = { generations: ['delay-parameter'] } as const;

  test.each([
    ['PUT', '/v3/rooms/!room:test/send_future/m.x/t?future_timeout=1'],
    ['PUT', '/v3/rooms/!room:test/state_future/m.s/k?future_timeout=1'],
    ['PUT', '/unstable/io.element.msc3140/rooms/!room:test/send/future/t'],
    ['POST', '/v3/futures/AAAAAAAAAAAAAAAAAAAAAA'],
    ['PUT', '/v1/future/AAAAAAAAAAAAAAAAAAAAAA'],
    ['GET', '/v3/futures'],
    ['POST', '/unstable/dev.matrix-futures/tokens'],
    ['POST', '/unstable/dev.matrix-futures/reissue'],
  ])('%s %s is 404 M_UNRECOGNIZED', async (method, path) => {
    const served = await serve(off);
    expect(await served.request(method, path)).toMatchObject({
      status: 404,
      body: { errcode: 'M_UNRECOGNIZED' },
    });
  });

  test.each(['future_timeout=1', 'future_group_id=G', 'org.matrix.msc4140.future_timeout=1'])(
    '%s on plain endpoints is 403, never ignored',
    async (query) => {
      const served = await serve(off);
      for (const path of ['send/m.x/t', 'send/future/t', 'state/m.s/k', 'state/m.s/', 'state/m.s'])
        expect(await served.put(`/v3/rooms/!room:test/${path}?${query}`)).toMatchObject({
          status: 403,
          body: { errcode: 'M_FORBIDDEN' },
        });
      expect(served.types()).toEqual([]);
    },
  );

  test('a plain event of the type `future` is sent, whatever its content', async () => {
    const served = await serve(off);
    await served.put('/v3/rooms/!room:test/send/future/t', { timeout: 1, send_on_timeout: {} });
    expect(served.types()).toEqual(['future']);
  });

  test('delays are served', async () => {
    const served = await serve(off);
    expect((await served.put('/v3/rooms/!room:test/send/future/t?org.matrix.msc4140.delay=1')).status).toBe(
      200,
    );
    expect(served.unstableFeatures).toEqual({
      'org.matrix.msc4140': true,
      'dev.matrix-futures.heartbeat': true,
    });
  });
});

describe('the delay parameter switched off', () => {
  const off = { generations: ['futures'] } as const;

  test('it is refused on plain endpoints with the code that says so, never ignored', async () => {
    const served = await serve(off);
    for (const path of ['send/m.x/t', 'send/future/t', 'state/m.s/k', 'state/m.s/', 'state/m.s']) {
      expect(await served.put(`/v3/rooms/!room:test/${path}?org.matrix.msc4140.delay=1`)).toMatchObject({
        status: 400,
        body: { errcode: 'M_UNKNOWN', 'org.matrix.msc4140.errcode': 'M_MAX_DELAY_UNSUPPORTED' },
      });
    }
    expect(served.types()).toEqual([]);
  });

  test('its paths are 404, and futures are served', async () => {
    const served = await serve(off);
    expect(
      await served.request(
        'POST',
        '/unstable/org.matrix.msc4140/delayed_events/AAAAAAAAAAAAAAAAAAAAAA/restart',
      ),
    ).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
    expect((await served.put('/v3/rooms/!room:test/send_future/m.x/t?future_timeout=1')).status).toBe(200);
  });

  test('its flag is not among those of futures, though they share the prefix', async () => {
    const served = await serve(off);
    expect(served.unstableFeatures).not.toHaveProperty(['org.matrix.msc4140']);
    expect(served.unstableFeatures).toHaveProperty(['io.element.msc3140'], true);
  });
});

test('the flags of /versions name what is served', async () => {
  const served = await serve();
  expect(served.unstableFeatures).toMatchObject({
    'org.matrix.msc4140': true,
    'io.element.msc3140': true,
    'dev.matrix-futures': true,
  });
});

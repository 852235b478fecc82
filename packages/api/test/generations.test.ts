import { describe, expect, test } from 'vitest';
import type { Generation } from '@matrix-futures/engine';
import { serve, type Reply, type Served } from './served.ts';

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

  test.each(['send_on_timeout', 'm.send_on_timeout', 'io.element.msc3140.send_on_timeout'])(
    'a batch with %s is 403 and sends nothing, a plain event of the type `future` is sent',
    async (member) => {
      const served = await serve(off);
      const path = '/v3/rooms/!room:test/send/future/t';
      const body = { timeout: 1, [member]: { type: 'm.late', content: {} } };
      expect(await served.put(path, body)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
      expect((await served.put(path, body, null)).status).toBe(401);
      expect(served.types()).toEqual([]);
      const plain = await served.put(path, { timeout: 1 });
      expect(plain.status).toBe(200);
      expect((await served.put(path, body)).text).toBe(plain.text);
      expect(served.types()).toEqual(['future']);
    },
  );

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
    for (const path of ['send/m.x/t', 'send/future/t', 'state/m.s/k', 'state/m.s/', 'state/m.s'])
      for (const parameter of ['delay=1', 'parent_delay_id=x'])
        expect(
          await served.put(`/v3/rooms/!room:test/${path}?org.matrix.msc4140.${parameter}`),
        ).toMatchObject({
          status: 400,
          body: { errcode: 'M_UNKNOWN', 'org.matrix.msc4140.errcode': 'M_MAX_DELAY_UNSUPPORTED' },
        });
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

describe('delayed events switched off', () => {
  const off = { generations: ['futures', 'delay-parameter'] } as const;

  test.each(['/v3', '/unstable/org.matrix.msc4140'])(
    'scheduling one under %s is 403, before anything is looked at',
    async (prefix) => {
      const served = await serve(off);
      const path = `${prefix}/rooms/!room:test/delayed_event/m.x/t`;
      expect(await served.request('PUT', path, { raw: '{' })).toMatchObject({
        status: 403,
        body: { errcode: 'M_FORBIDDEN' },
      });
      await served.pass(10_000);
      expect(served.types()).toEqual([]);
    },
  );

  test.each([
    ['POST', '/v1/delayed_events/AAAAAAAAAAAAAAAAAAAAAA/send'],
    ['GET', '/v1/delayed_events/AAAAAAAAAAAAAAAAAAAAAA'],
    ['GET', '/v1/delayed_events'],
    ['GET', '/unstable/org.matrix.msc4486/delayed_events'],
  ])('%s %s is 404 M_UNRECOGNIZED, and there is no capability', async (method, path) => {
    const served = await serve(off);
    expect(await served.request(method, path)).toMatchObject({
      status: 404,
      body: { errcode: 'M_UNRECOGNIZED' },
    });
    expect(served.capabilities).toEqual({});
  });
});

describe('each generation alone', () => {
  const heartbeat = 'dev.matrix-futures.heartbeat';
  const works: Record<Generation, (served: Served) => Promise<Reply>> = {
    futures: (served) => served.put('/v3/rooms/!room:test/send_future/m.x/t?future_timeout=1'),
    'delay-parameter': (served) => served.put('/v3/rooms/!room:test/send/m.x/t?org.matrix.msc4140.delay=1'),
    'delayed-events': (served) =>
      served.put('/v3/rooms/!room:test/delayed_event/m.x/t', { delay_ms: 1, content: {} }),
  };
  const all: readonly Generation[] = ['futures', 'delay-parameter', 'delayed-events'];

  test.each<[Generation, readonly string[]]>([
    ['futures', ['io.element.msc3140', 'io.element.msc4140', 'dev.matrix-futures']],
    ['delay-parameter', ['org.matrix.msc4140']],
    [
      'delayed-events',
      ['org.matrix.msc4140', 'org.matrix.msc4140.stable', 'org.matrix.msc4486', 'org.matrix.msc4486.stable'],
    ],
  ])('%s: it schedules, the others refuse and send nothing, and the flags say so', async (alone, flags) => {
    const served = await serve({ generations: [alone] });
    for (const generation of all) {
      const { status } = await works[generation](served);
      if (generation === alone) expect(status).toBe(200);
      else expect(status).toBeGreaterThanOrEqual(400);
    }
    expect(Object.keys(served.unstableFeatures).toSorted()).toEqual([...flags, heartbeat].toSorted());
    await served.pass(1);
    expect(served.types()).toEqual(['m.x']);
  });

  test('POST send with the parameter of one that is off is refused, too', async () => {
    const served = await serve({ generations: ['delayed-events'] });
    for (const query of ['org.matrix.msc4140.delay=1', 'future_timeout=1'])
      expect(
        (await served.request('POST', `/v3/rooms/!room:test/send/m.x?${query}`, { body: {} })).status,
      ).toBe(query.startsWith('org') ? 400 : 403);
    expect(served.types()).toEqual([]);
  });
});

describe('a request with the parameters of two generations', () => {
  const delay = 'org.matrix.msc4140.delay';
  const parent = 'org.matrix.msc4140.parent_delay_id';
  const pairs = [
    ['future_timeout', delay],
    ['future_group_id', delay],
    ['io.element.msc3140.future_timeout', parent],
  ] as const;
  const requests = [
    'PUT send/m.x/t',
    'PUT send/future/t',
    'PUT state/m.s/k',
    'PUT state/m.s',
    'POST send/m.x',
  ];
  const cases = pairs.flatMap((names) => requests.map((request) => [...names, request] as const));

  test.each(cases)(
    '%s and %s is refused at %s, names both, and sends nothing',
    async (one, other, request) => {
      const served = await serve();
      const [method = '', path = ''] = request.split(' ');
      for (const query of [`${one}=5&${other}=9`, `${other}=9&${one}=5`]) {
        const answer = await served.request(method, `/v3/rooms/!room:test/${path}?${query}`, { body: {} });
        expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
        expect(answer.body.error).toContain(`${one} and ${other} `);
      }
      await served.pass(10);
      expect(served.types()).toEqual([]);
    },
  );

  test.each<Generation>(['futures', 'delay-parameter'])('is refused with %s alone, too', async (alone) => {
    const served = await serve({ generations: [alone] });
    const answer = await served.put(`/v3/rooms/!room:test/send/m.x/t?future_timeout=5&${delay}=9`);
    expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });

  test('needs a login before it is judged', async () => {
    const served = await serve();
    const answer = await served.put(`/v3/rooms/!room:test/send/m.x/t?future_timeout=5&${delay}=9`, {}, null);
    expect(answer).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } });
  });
});

import { describe, expect, test } from 'vitest';
import { serve, type Served } from './served.ts';

const heartbeat = 'dev.matrix-futures.heartbeat';
const room = '/v3/rooms/!room:test';

/** The ways to schedule a message that is due in ten seconds. */
const ways: readonly (readonly [string, (served: Served, query: string) => Promise<unknown>])[] = [
  ['send_future', (served, query) => served.put(`${room}/send_future/m.x/t?future_timeout=10000&${query}`)],
  ['state_future', (served, query) => served.put(`${room}/state_future/m.x/k?future_timeout=10000&${query}`)],
  ['the plain endpoint', (served, query) => served.put(`${room}/send/m.x/t?future_timeout=10000&${query}`)],
  [
    'a batch',
    (served, query) =>
      served.put(`${room}/send/future/t?${query}`, {
        timeout: 10_000,
        send_on_timeout: { type: 'm.x', content: {} },
        send_on_action: { bye: { type: 'm.y', content: {} } },
      }),
  ],
  [
    'the delay parameter',
    (served, query) => served.put(`${room}/send/m.x/t?org.matrix.msc4140.delay=10000&${query}`),
  ],
  [
    'delayed_event',
    (served, query) => served.put(`${room}/delayed_event/m.x/t?${query}`, { delay_ms: 10_000, content: {} }),
  ],
];

/** A sync of alice's first device that takes this long. */
async function sync(served: Served, takes: number, device = 'D'): Promise<void> {
  const over = served.futures.deviceSyncs('@alice:test', device);
  await served.pass(takes);
  over();
}

describe.each(ways)('the sync loop as the heartbeat of %s', (_way, schedule) => {
  test('while the device syncs the timer does not run out; it runs from the end of the last sync', async () => {
    const served = await serve();
    await schedule(served, `${heartbeat}=sync`);
    for (let round = 0; round < 5; round += 1) await sync(served, 30_000);
    await served.pass(9_999);
    expect(served.types()).toEqual([]);
    await served.pass(1);
    expect(served.types()).toEqual(['m.x']);
  });

  test('is refused where nobody sees syncs, and nothing is scheduled', async () => {
    const served = await serve({ seesSyncs: false });
    expect(await schedule(served, `${heartbeat}=sync`)).toMatchObject({
      status: 400,
      body: { errcode: 'M_INVALID_PARAM' },
    });
    expect(served.unstableFeatures).not.toHaveProperty(heartbeat);
    await served.pass(60_000);
    expect(served.types()).toEqual([]);
    expect(await schedule(served, '')).toMatchObject({ status: 200 });
  });

  test('without it, or with syncs of another device, the timer runs as always', async () => {
    for (const [query, device] of [
      ['', 'D'],
      [`${heartbeat}=sync`, 'D2'],
    ] as const) {
      const served = await serve();
      await schedule(served, query);
      await sync(served, 10_000, device);
      expect(served.types()).toEqual(['m.x']);
    }
  });
});

test('a refresh by token counts as always', async () => {
  const served = await serve();
  const path = `${room}/send_future/m.x/t?future_timeout=10000&${heartbeat}=sync`;
  const { body } = await served.put(path);
  await sync(served, 5_000);
  await served.pass(9_000);
  expect((await served.use(body.refresh_token)).status).toBe(200);
  await served.pass(9_999);
  expect(served.types()).toEqual([]);
  await served.pass(1);
  expect(served.types()).toEqual(['m.x']);
});

test('a list says since when the timer really runs', async () => {
  const served = await serve();
  await served.put(`${room}/send/m.x/t?org.matrix.msc4140.delay=10000&${heartbeat}=sync`);
  await sync(served, 7_000);
  const since = served.time.wall();
  await served.pass(1_000);
  const { body } = await served.request('GET', '/v1/delayed_events');
  expect(body.delayed_events).toMatchObject([{ delayed_since_ts: since, delay_ms: 10_000 }]);
});

test('another kind of heartbeat, one without a timer or with a short one, and a login without a device are 400', async () => {
  const served = await serve();
  await served.put(`${room}/send_future/m.x/t?future_timeout=10000&future_group_id=g`);
  for (const [query, as] of [
    [`future_timeout=10000&${heartbeat}=on`, 'alice'],
    [`future_timeout=999&${heartbeat}=sync`, 'alice'],
    [`future_group_id=g&${heartbeat}=sync`, 'alice'],
    [`future_timeout=10000&${heartbeat}=sync`, 'bridge'],
  ] as const)
    expect(await served.put(`${room}/send_future/m.x/t2?${query}`, {}, as)).toMatchObject({
      status: 400,
      body: { errcode: 'M_INVALID_PARAM' },
    });
  const shortest = `${room}/send_future/m.x/t2?future_timeout=1000&${heartbeat}=sync`;
  expect((await served.put(shortest)).status).toBe(200);
});

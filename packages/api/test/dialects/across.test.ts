import { describe, expect, test } from 'vitest';
import { serve, type Reply, type Served } from '../served.ts';

/** A future made by one generation, managed by another: all pairs, by its owner. */
type Use = (served: Served) => Promise<Reply>;

interface Generation {
  readonly name: string;
  /** Makes a message of the type `m.made` that is due in a second. */
  readonly make: (served: Served) => Promise<Reply>;
  /** Finds the only future in the owner's list, and what manages it. */
  readonly manage: (
    served: Served,
  ) => Promise<{ readonly send: Use; readonly refresh: Use; readonly cancel: Use }>;
  /** what the list of this generation has of the only future that runs */
  readonly room: (served: Served) => Promise<readonly unknown[]>;
  /** what sending twice answers */
  readonly sendAgain: number;
}

const delays = '/unstable/org.matrix.msc4140/delayed_events';
const merged = '/v1/delayed_events';

const byId =
  (path: string): Generation['manage'] =>
  async (served) => {
    const { body } = await served.request('GET', path);
    const act =
      (action: string): Use =>
      (again) =>
        again.request('POST', `${path}/${body.delayed_events[0].delay_id}/${action}`);
    return { send: act('send'), refresh: act('restart'), cancel: act('cancel') };
  };
const inList =
  (path: string): Generation['room'] =>
  async (served) =>
    (await served.request('GET', `${path}?status=scheduled`)).body.delayed_events.map(
      (one: any) => one.room_id,
    );

const generations: readonly Generation[] = [
  {
    name: 'futures',
    make: (served) => served.put('/v3/rooms/!room:test/send_future/m.made/t?future_timeout=1000'),
    manage: async (served) => {
      const [{ response }] = (await served.request('GET', '/v3/futures')).body;
      const use =
        (token: string): Use =>
        (again) =>
          again.use(token);
      return {
        send: use(response.send_token),
        refresh: use(response.refresh_token),
        cancel: use(response.cancel_token),
      };
    },
    room: async (served) =>
      (await served.request('GET', '/v3/futures')).body.map(({ url }: any) =>
        decodeURIComponent(url.split('/')[5]),
      ),
    sendAgain: 410,
  },
  {
    name: 'delay-parameter',
    make: (served) => served.put('/v3/rooms/!room:test/send/m.made/t?org.matrix.msc4140.delay=1000'),
    manage: byId(delays),
    room: inList(delays),
    sendAgain: 404,
  },
  {
    name: 'delayed-events',
    make: (served) =>
      served.put('/v3/rooms/!room:test/delayed_event/m.made/t', { delay_ms: 1_000, content: {} }),
    manage: byId(merged),
    room: inList(merged),
    sendAgain: 200,
  },
];
const pairs = generations.flatMap((made) => generations.map((managed) => ({ made, managed })));

describe.each(pairs)('made in $made.name, managed in $managed.name', ({ made, managed }) => {
  test('it is listed', async () => {
    const served = await serve();
    await made.make(served);
    expect(await managed.room(served)).toEqual(['!room:test']);
  });

  test('refreshed, it is sent a second from then', async () => {
    const served = await serve();
    await made.make(served);
    const { refresh } = await managed.manage(served);
    await served.pass(999);
    expect(await refresh(served)).toMatchObject({ status: 200, text: '{}' });
    await served.pass(999);
    expect(served.types()).toEqual([]);
    await served.pass(1);
    expect(served.types()).toEqual(['m.made']);
  });

  test('sent, it is in the room once, and listed nowhere as running', async () => {
    const served = await serve();
    await made.make(served);
    const { send } = await managed.manage(served);
    expect(await send(served)).toMatchObject({ status: 200, text: '{}' });
    expect((await send(served)).status).toBe(managed.sendAgain);
    await served.pass(5_000);
    expect(served.types()).toEqual(['m.made']);
    for (const { room } of generations) expect(await room(served)).toEqual([]);
  });

  test('cancelled, it is never sent, and its outcome can be read', async () => {
    const served = await serve();
    await made.make(served);
    const { cancel } = await managed.manage(served);
    expect(await cancel(served)).toMatchObject({ status: 200, text: '{}' });
    await served.pass(5_000);
    expect(served.types()).toEqual([]);
    const { body } = await served.request('GET', `${merged}?status=cancelled`);
    expect(body.delayed_events).toMatchObject([
      { type: 'm.made', finalised: { finalised_ts: expect.any(Number) } },
    ]);
  });
});

test('a bare delay id opens nothing but what the delay parameter made', async () => {
  for (const { name, make } of generations) {
    const served = await serve();
    await make(served);
    const [{ delay_id: id }] = (await served.request('GET', merged)).body.delayed_events;
    const answer = await served.request('POST', `${delays}/${id}/cancel`, { as: null });
    expect(answer.status).toBe(name === 'delay-parameter' ? 200 : 404);
  }
});

test('while nobody can say whose a login is, the id alone counts, and what it does not open is not called gone', async () => {
  for (const { name, make } of generations) {
    const served = await serve();
    await make(served);
    const [{ delay_id: id }] = (await served.request('GET', merged)).body.delayed_events;
    const isEnough = name === 'delay-parameter';
    const use = (action: string) => served.request('POST', `${delays}/${id}/${action}`, { as: 'somebody' });
    expect((await use('restart')).status).toBe(isEnough ? 200 : 503);
    expect((await use('cancel')).status).toBe(isEnough ? 200 : 503);
    expect((await served.request('POST', `${delays}/${id}/cancel`)).status).toBe(isEnough ? 404 : 200);
    expect((await use('restart')).status).toBe(404);
  }
});

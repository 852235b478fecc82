import { describe, expect } from 'vitest';
import type { Reply, Served } from '../served.ts';
import { error, forbidden, proves, room } from './rule.ts';

/** Lists with filters and pages: MSC4486. */
const source = 'MSC4486';
const list = (served: Served, query = '', as = 'alice'): Promise<Reply> =>
  served.request('GET', `/v1/delayed_events?${query}`, { as });
const contents = ({ body }: Reply): unknown[] => body.delayed_events.map((one: any) => one.content.n);

let transaction = 0;
async function delayed(
  served: Served,
  n: number,
  delay_ms: number,
  { type = 'm.x', roomId = '!room:test' } = {},
): Promise<string> {
  transaction += 1;
  const path = `/v3/rooms/${roomId}/delayed_event/${type}/t${transaction}`;
  return (await served.put(path, { delay_ms, content: { n } })).body.delay_id;
}
const act = (served: Served, id: string, action: string): Promise<Reply> =>
  served.request('POST', `/v1/delayed_events/${id}/${action}`);

/** 0 sent, 1 cancelled, 2 failed, 3 and 4 scheduled, in order of send time 0 1 2 4 3. */
async function oneOfEach(served: Served): Promise<void> {
  await delayed(served, 3, 5_000);
  await delayed(served, 0, 100);
  await act(served, await delayed(served, 1, 200), 'cancel');
  await served.pass(100);
  await delayed(served, 2, 150);
  await delayed(served, 4, 3_000);
  served.homeserver.refusal = forbidden;
  await served.pass(150);
  served.homeserver.refusal = null;
}

describe('a list', () => {
  proves([
    {
      rule: 'has finished ones too, in order of send time, whatever was made first',
      source,
      shows: async (served) => {
        await oneOfEach(served);
        const answer = await list(served);
        expect(contents(answer)).toEqual([0, 1, 2, 4, 3]);
        expect(answer.body).not.toHaveProperty('next_batch');
        expect(answer.body.delayed_events.map((one: any) => Object.keys(one.finalised ?? {})[1])).toEqual([
          'event_id',
          'dev.matrix-futures.reason',
          'error',
          undefined,
          undefined,
        ]);
      },
    },
    ...(
      [
        ['status=scheduled', [4, 3]],
        ['status=sent', [0]],
        ['status=cancelled', [1]],
        ['status=failed', [2]],
        ['dir=b', [3, 4, 2, 1, 0]],
        ['dir=b&status=scheduled', [3, 4]],
        ['type=m.x', [0, 1, 2, 4, 3]],
        ['type=m.y', []],
        ['room_id=!room:test', [0, 1, 2, 4, 3]],
        ['room_id=!other:test', []],
      ] as const
    ).map(([query, expected]) => ({
      rule: `with ${query} has what fits`,
      source,
      shows: async (served: Served) => {
        await oneOfEach(served);
        expect(contents(await list(served, query))).toEqual(expected);
      },
    })),
    {
      rule: 'filters by room and type together',
      source,
      shows: async (served) => {
        await delayed(served, 1, 10, { type: 'm.y' });
        await delayed(served, 2, 20, { type: 'm.y', roomId: '!other:test' });
        await delayed(served, 3, 30, { roomId: '!other:test' });
        expect(contents(await list(served, 'type=m.y&room_id=!other:test'))).toEqual([2]);
      },
    },
    {
      rule: 'has both bounds of the send time included',
      source,
      shows: async (served) => {
        const now = served.time.wall();
        for (const n of [10, 20, 30, 40]) await delayed(served, n, n);
        expect(contents(await list(served, `from_ts=${now + 20}&to_ts=${now + 30}`))).toEqual([20, 30]);
        expect(contents(await list(served, `from_ts=${now + 21}`))).toEqual([30, 40]);
        expect(contents(await list(served, `to_ts=${now + 19}`))).toEqual([10]);
      },
    },
    {
      rule: 'is of the caller alone, and the same on its unstable path',
      source,
      shows: async (served) => {
        await delayed(served, 1, 10);
        expect(contents(await list(served, '', 'bob'))).toEqual([]);
        const unstable = await served.request('GET', '/unstable/org.matrix.msc4486/delayed_events');
        expect(unstable.text).toBe((await list(served)).text);
      },
    },
    ...[
      'status=done',
      'dir=x',
      'from_ts=x',
      'from_ts=-1',
      'from_ts=1.5',
      'to_ts=',
      'from=x',
      'from=1_2_3',
      'from=_',
    ].map((query) => ({
      rule: `with ${query} is 400 M_INVALID_PARAM`,
      source,
      shows: async (served: Served) => {
        expect(await list(served, query)).toMatchObject(error(400, 'M_INVALID_PARAM'));
      },
    })),
    {
      rule: 'asked for too often is 429, for this user alone',
      source: 'MSC4140, "Getting delayed events"',
      options: { limits: { listsPerSecond: 1 } },
      shows: async (served) => {
        for (let count = 0; count < 10; count += 1) expect((await list(served)).status).toBe(200);
        for (const path of [
          '/v1/delayed_events',
          '/v3/futures',
          '/unstable/org.matrix.msc4140/delayed_events',
        ])
          expect(await served.request('GET', path)).toMatchObject(
            error(429, 'M_LIMIT_EXCEEDED', { retry_after_ms: 1_000 }),
          );
        expect((await list(served, '', 'bob')).status).toBe(200);
      },
    },
    {
      rule: 'has what new state has cancelled at once, and why',
      source: 'every future of the owner',
      shows: async (served) => {
        await served.put(`/v3${room}/state_future/m.s/k?future_timeout=1000`, { n: 1 });
        await served.put(`/v3${room}/state/m.s/k`, {}, 'bob');
        const { body } = await list(served);
        expect(body.delayed_events).toMatchObject([
          { content: { n: 1 }, finalised: { 'dev.matrix-futures.reason': 'state' } },
        ]);
      },
    },
    {
      rule: 'has futures and their groups: an action future has no delay and comes last',
      source: 'every future of the owner',
      shows: async (served) => {
        const group = 'future_group_id=g';
        await served.put(`/v3${room}/send_future/m.x/t1?future_timeout=1000&${group}`, { n: 1 });
        await served.put(`/v3${room}/send_future/m.x/t2?${group}`, { n: 2 });
        await delayed(served, 3, 5_000);
        const answer = await list(served);
        expect(contents(answer)).toEqual([1, 3, 2]);
        expect(answer.body.delayed_events[2]).not.toHaveProperty('delay_ms');
        expect(answer.body.delayed_events[2].delayed_since_ts).toBe(served.time.wall());
        expect(contents(await list(served, 'dir=b'))).toEqual([2, 3, 1]);
        expect(contents(await list(served, `to_ts=${served.time.wall() + 1e9}`))).toEqual([1, 3]);
      },
    },
  ]);
});

describe('pages', () => {
  async function pages(served: Served, query: string, between: () => Promise<void>): Promise<unknown[]> {
    const all: unknown[] = [];
    for (let from = ''; ;) {
      const answer = await list(served, `${query}${from}`);
      all.push(...contents(answer));
      if (answer.body.next_batch === undefined) return all;
      from = `&from=${answer.body.next_batch}`;
      await between();
    }
  }
  const numbers = Array.from({ length: 230 }, (_, n) => n);

  proves([
    {
      rule: 'together are the whole list, once each, forwards and backwards, equal send times too',
      source,
      shows: async (served) => {
        for (const n of numbers) await delayed(served, n, 10_000 + Math.floor(n / 7));
        const nothing = async (): Promise<void> => {};
        expect(await pages(served, 'dir=f', nothing)).toEqual(numbers);
        expect(await pages(served, 'dir=b', nothing)).toEqual(numbers.toReversed());
      },
    },
    {
      rule: 'have an untouched event exactly once while others come, go and are sent',
      source,
      shows: async (served) => {
        const ids: string[] = [];
        for (const n of numbers) ids.push(await delayed(served, n, 10_000 + n));
        let round = 0;
        const between = async (): Promise<void> => {
          round += 1;
          await act(served, ids[round * 3] ?? '', 'cancel');
          await act(served, ids[200 + round] ?? '', 'send');
          await delayed(served, 1_000 + round, 5_000 + round);
          await delayed(served, 2_000 + round, 90_000 + round);
          await served.pass(1);
        };
        const seen = await pages(served, 'dir=f', between);
        expect(seen.filter((n) => numbers.includes(Number(n)))).toEqual(numbers);
      },
    },
    {
      rule: 'may repeat one that is refreshed meanwhile forwards, and miss it backwards, and nothing else',
      source,
      shows: async (served) => {
        const ids: string[] = [];
        for (const n of numbers) ids.push(await delayed(served, n, 10_000 + n));
        const refresh = async (): Promise<void> => {
          served.time.move(5_000);
          await act(served, ids[0] ?? '', 'restart');
        };
        expect((await pages(served, 'dir=f', refresh)).toSorted((a, b) => Number(a) - Number(b))).toEqual([
          0,
          ...numbers,
        ]);
      },
    },
  ]);
});

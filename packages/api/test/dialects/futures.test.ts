import { describe, expect } from 'vitest';
import type { Reply, Served } from '../served.ts';
import { error, forbidden, proves, room } from './rule.ts';

/** Futures: the text of 6 June 2024. What its silences leave open is told by the source "settled". */
const source = 'text of 6 June 2024, "Proposal"';
const put = (served: Served, type: string, query: string, as = 'alice'): Promise<Reply> =>
  served.put(`/v3${room}/send_future/${type}/${type}-t?${query}`, {}, as);
const state = (served: Served, query: string): Promise<Reply> =>
  served.put(`/v3${room}/state_future/m.s/k?${query}`);

describe('a group', () => {
  proves([
    {
      rule: 'a timeout alone makes a group of its own, with a name nobody chose',
      source,
      shows: async (served) => {
        const [one, two] = [
          await put(served, 'm.a', 'future_timeout=9'),
          await put(served, 'm.b', 'future_timeout=9'),
        ];
        expect(Object.keys(one.body).toSorted()).toEqual([
          'cancel_token',
          'future_group_id',
          'refresh_token',
          'send_token',
        ]);
        expect(one.body.future_group_id).not.toBe(two.body.future_group_id);
      },
    },
    {
      rule: 'an action future has no refresh token and needs a live timeout future of the same user in its group',
      source,
      shows: async (served) => {
        expect(await put(served, 'm.a', 'future_group_id=g')).toMatchObject(
          error(409, 'M_UNKNOWN_FUTURE_GROUP'),
        );
        await put(served, 'm.t', 'future_timeout=9&future_group_id=g');
        expect((await put(served, 'm.a', 'future_group_id=g')).body).not.toHaveProperty('refresh_token');
        expect(await put(served, 'm.a', 'future_group_id=g', 'bob')).toMatchObject(
          error(409, 'M_UNKNOWN_FUTURE_GROUP'),
        );
      },
    },
    {
      rule: 'sends at most one event, ever, and then keeps its name',
      source,
      shows: async (served) => {
        await put(served, 'm.t', 'future_timeout=9&future_group_id=g');
        const { body } = await put(served, 'm.a', 'future_group_id=g');
        expect(await served.use(body.send_token)).toMatchObject({ status: 200, text: '{}' });
        await served.pass(1_000);
        expect(served.types()).toEqual(['m.a']);
        expect(await put(served, 'm.c', 'future_timeout=9&future_group_id=g')).toMatchObject(
          error(409, 'M_UNKNOWN_FUTURE_GROUP'),
        );
      },
    },
    {
      rule: 'whose last timeout future is cancelled ends, and has its name free again',
      source,
      shows: async (served) => {
        const timer = (await put(served, 'm.t', 'future_timeout=9&future_group_id=g')).body;
        const action = (await put(served, 'm.a', 'future_group_id=g')).body;
        await served.use(timer.cancel_token);
        expect(await served.use(action.send_token)).toMatchObject(error(410, 'M_NOT_FOUND'));
        expect((await put(served, 'm.c', 'future_timeout=9&future_group_id=g')).status).toBe(200);
      },
    },
    {
      rule: 'whose timeout future is refused when it is due loses it, and ends with the last one',
      source: 'settled',
      shows: async (served) => {
        const { body } = await put(served, 'm.t', 'future_timeout=9');
        served.homeserver.refusal = forbidden;
        await served.pass(9);
        expect(await served.use(body.refresh_token)).toMatchObject(error(410, 'M_NOT_FOUND'));
      },
    },
  ]);
});

describe('new state', () => {
  proves([
    ...['alice', 'bob'].map((sender) => ({
      rule: `of ${sender}'s with the same key invalidates a state future of alice's`,
      source: 'text of 6 June 2024; settled: whoever sends it',
      shows: async (served: Served) => {
        const { body } = await state(served, 'future_timeout=9');
        await served.put(`/v3${room}/state/m.s/k`, {}, sender);
        expect(await served.use(body.refresh_token)).toMatchObject(error(410, 'M_NOT_FOUND'));
        await served.pass(1_000);
        expect(served.types()).toEqual(['m.s']);
      },
    })),
    {
      rule: 'with another key, type or room invalidates nothing',
      source,
      shows: async (served) => {
        await state(served, 'future_timeout=9');
        for (const path of [
          `${room}/state/m.s/other`,
          `${room}/state/m.other/k`,
          '/rooms/!other:test/state/m.s/k',
        ])
          await served.put(`/v3${path}`);
        await served.pass(9);
        expect(served.types()).toHaveLength(4);
      },
    },
    {
      rule: 'that a state future makes is new state itself',
      source: 'settled',
      shows: async (served) => {
        await state(served, 'future_timeout=9');
        const { body } = await state(served, 'future_timeout=500');
        await served.pass(9);
        expect((await served.use(body.refresh_token)).status).toBe(410);
      },
    },
  ]);
});

describe('an event of a future', () => {
  proves([
    {
      rule: 'carries the instant at which it enters the room, and no delay id',
      source: '"when entering the DAG"',
      shows: async (served) => {
        await put(served, 'm.t', 'future_timeout=9');
        await served.pass(500);
        expect(served.homeserver.sent[0]).toMatchObject({ timestamp: served.time.wall(), delayed: null });
      },
    },
    {
      rule: 'is judged when it is sent: scheduling into a room that nobody knows is no error',
      source: 'settled',
      shows: async (served) => {
        const answer = await served.put(`/v3/rooms/!unknown:test/send_future/m.x/t?future_timeout=9`);
        expect(answer.status).toBe(200);
        expect(await served.use(answer.body.send_token)).toMatchObject(error(403, 'M_FORBIDDEN'));
        expect((await served.use(answer.body.refresh_token)).status).toBe(200);
      },
    },
  ]);
});

describe('what is wrong', () => {
  proves(
    (
      [
        ['neither parameter', '', 400, 'M_MISSING_PARAM', {}],
        ['a timeout of 0', 'future_timeout=0', 400, 'M_INVALID_PARAM', {}],
        ['a negative timeout', 'future_timeout=-1', 400, 'M_INVALID_PARAM', {}],
        ['a timeout that is no integer', 'future_timeout=1.5', 400, 'M_INVALID_PARAM', {}],
        ['an empty group id', 'future_timeout=1&future_group_id=', 400, 'M_INVALID_PARAM', {}],
        [
          'a group id of 256 bytes',
          `future_timeout=1&future_group_id=${'g'.repeat(256)}`,
          400,
          'M_INVALID_PARAM',
          {},
        ],
        [
          'a timeout above the maximum',
          'future_timeout=5001',
          400,
          'M_FUTURE_MAX_TIMEOUT_EXCEEDED',
          { max_future_timeout: 5_000 },
        ],
        [
          'a timeout of more digits than a number can hold',
          `future_timeout=${'9'.repeat(400)}`,
          400,
          'M_FUTURE_MAX_TIMEOUT_EXCEEDED',
          { max_future_timeout: 5_000 },
        ],
        ['no timeout future in the group', 'future_group_id=g', 409, 'M_UNKNOWN_FUTURE_GROUP', {}],
      ] as const
    ).map(([what, query, status, errcode, fields]) => ({
      rule: `${what} is ${status} ${errcode}`,
      source: 'text of 6 June 2024; settled',
      options: { limits: { maxTimeout: 5_000 } },
      shows: async (served: Served) => {
        expect(await put(served, 'm.x', query)).toMatchObject(error(status, errcode, fields));
      },
    })),
  );
  proves([
    {
      rule: 'too many scheduled is 429 with the time to wait',
      source: 'settled',
      options: { limits: { pendingPerUser: 1 } },
      shows: async (served) => {
        await put(served, 'm.a', 'future_timeout=1500');
        const answer = await put(served, 'm.b', 'future_timeout=9');
        expect(answer).toMatchObject(error(429, 'M_LIMIT_EXCEEDED', { retry_after_ms: 1_500 }));
        expect(answer.headers.get('retry-after')).toBe('2');
      },
    },
    {
      rule: 'a batch counts with all its futures towards the rate of scheduling',
      source: 'settled',
      options: { limits: { scheduleBurst: 3, schedulesPerSecond: 1 } },
      shows: async (served) => {
        const body = {
          timeout: 9,
          send_on_timeout: { type: 'm.t', content: {} },
          send_on_action: { a: { type: 'm.a', content: {} } },
        };
        expect((await served.put(`/v3${room}/send/future/t1`, body)).status).toBe(200);
        expect(await served.put(`/v3${room}/send/future/t2`, body)).toMatchObject(
          error(429, 'M_LIMIT_EXCEEDED', { retry_after_ms: 1_000 }),
        );
      },
    },
  ]);
});

import { describe, expect } from 'vitest';
import type { Reply, Served } from '../served.ts';
import { error, forbidden, proves, room } from './rule.ts';

/** The query parameter, as Synapse 1.163 serves it and matrix-js-sdk 43, Element Call and SFU services use it. */
const events = '/unstable/org.matrix.msc4140/delayed_events';
const parameter = 'org.matrix.msc4140.delay';
const sendPath = `/v3${room}/send/m.x/t1`;
const statePath = `/v3${room}/state/m.s/k`;
const delayed = (served: Served, path = statePath, ms: number | string = 1_000): Promise<Reply> =>
  served.put(`${path}?${parameter}=${ms}`, { a: 1 });
const idOf = async (answer: Promise<Reply>): Promise<string> => (await answer).body.delay_id;

describe('scheduling', () => {
  const source = 'MSC4140 before the merge';
  proves([
    ...[
      sendPath,
      `/r0${room}/send/m.x/t`,
      statePath,
      `/v3${room}/state/m.s/`,
      `/v3${room}/state/m.s`,
      `/v3${room}/send/future/t`,
    ].map((path) => ({
      rule: `PUT ${path} with a delay answers the delay id and nothing else, and sends when it is over`,
      source,
      shows: async (served: Served) => {
        const answer = await delayed(served, path, 50);
        expect(answer.body).toEqual({ delay_id: expect.stringMatching(/^[\w-]{22}$/) });
        await served.pass(49);
        expect(served.types()).toEqual([]);
        await served.pass(1);
        expect(served.homeserver.sent[0]?.draft.content).toEqual({ a: 1 });
      },
    })),
    {
      rule: 'POST send without a transaction id schedules another event every time',
      source: 'Synapse',
      shows: async (served) => {
        const path = `/v3${room}/send/m.x?${parameter}=50`;
        const [first, second] = [
          await served.request('POST', path, { body: {} }),
          await served.request('POST', path, { body: {} }),
        ];
        expect(first?.body.delay_id).not.toBe(second?.body.delay_id);
        await served.pass(50);
        expect(served.types()).toEqual(['m.x', 'm.x']);
      },
    },
    {
      rule: 'POST send without a delay is no endpoint, so nothing is sent at once',
      source: 'client-server specification, "Sending events to a room"',
      shows: async (served) => {
        const answer = await served.request('POST', `/v3${room}/send/m.x`, { body: {} });
        expect(answer).toMatchObject(error(404, 'M_UNRECOGNIZED'));
        expect(served.types()).toEqual([]);
      },
    },
    {
      rule: 'an event that depends on a delayed one is refused, with a delay of its own or none: nothing is sent at once',
      source: 'js-sdk 43 (`parent_delay_id`)',
      shows: async (served) => {
        const parent = await idOf(delayed(served));
        for (const path of [`/v3${room}/send/m.x/t2`, statePath])
          for (const own of ['', `&${parameter}=50`])
            expect(
              await served.put(`${path}?org.matrix.msc4140.parent_delay_id=${parent}${own}`),
            ).toMatchObject(error(400, 'M_INVALID_PARAM'));
        await served.pass(100);
        expect(served.types()).toEqual([]);
      },
    },
    {
      rule: 'a delay of 0 is accepted',
      source: 'Synapse',
      shows: async (served) => {
        expect((await delayed(served, sendPath, 0)).status).toBe(200);
        await served.pass(0);
        expect(served.types()).toEqual(['m.x']);
      },
    },
    ...['-1', '1.5', 'abc', '', '1e3'].map((text) => ({
      rule: `a delay of "${text}" is 400 M_INVALID_PARAM`,
      source: 'Synapse',
      shows: async (served: Served) => {
        const answer = await delayed(served, sendPath, text);
        expect(answer).toMatchObject(error(400, 'M_INVALID_PARAM'));
        expect(answer.body.error).toMatch(/ a whole number of milliseconds, at least 0$/);
        expect(served.types()).toEqual([]);
      },
    })),
    ...['5001', '9'.repeat(30), '9'.repeat(400)].map((text) => ({
      rule: `a delay of ${text}, too long, is the error after which js-sdk shortens it`,
      source: 'matrix-js-sdk 43, MembershipManager',
      options: { limits: { maxTimeout: 5_000 } },
      shows: async (served: Served) => {
        expect(await delayed(served, statePath, text)).toMatchObject(
          error(400, 'M_UNKNOWN', {
            'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED',
            'org.matrix.msc4140.max_delay': 5_000,
          }),
        );
        expect((await delayed(served, statePath, 5_000)).status).toBe(200);
      },
    })),
    {
      rule: 'the parameter of a sticky event is kept',
      source: 'MSC4354',
      shows: async (served) => {
        await served.put(`${sendPath}?${parameter}=1&org.matrix.msc4354.sticky_duration_ms=1000`);
        await served.pass(1);
        expect(served.homeserver.sent[0]?.draft.extras).toEqual({ stickyDurationMs: 1_000 });
      },
    },
    {
      rule: 'a repeated transaction answers the same id before anything is judged',
      source: 'client-server specification, "Transaction identifiers"',
      shows: async (served) => {
        const first = await delayed(served, sendPath);
        const again = await served.request('PUT', `${sendPath}?${parameter}=x`, { raw: '{' });
        expect(again).toMatchObject({ status: 200, text: first.text });
      },
    },
    {
      rule: 'too many scheduled is 429 with the time until the next is due',
      source,
      options: { limits: { pendingPerUser: 1 } },
      shows: async (served) => {
        await delayed(served);
        const answer = await delayed(served, sendPath, 50);
        expect(answer).toMatchObject(error(429, 'M_LIMIT_EXCEEDED', { retry_after_ms: 1_000 }));
        expect(answer.headers.get('retry-after')).toBe('1');
      },
    },
    {
      rule: 'too fast is 429 with the time to wait, for this user alone',
      source: 'MSC4140, "Scheduling a delayed event"',
      options: { limits: { scheduleBurst: 2, schedulesPerSecond: 2 } },
      shows: async (served) => {
        await delayed(served);
        await delayed(served);
        expect(await delayed(served)).toMatchObject(error(429, 'M_LIMIT_EXCEEDED', { retry_after_ms: 500 }));
        expect((await served.put(`${statePath}?${parameter}=5`, {}, 'bob')).status).toBe(200);
        await served.pass(500);
        expect((await delayed(served)).status).toBe(200);
        expect((await delayed(served)).status).toBe(429);
      },
    },
  ]);
});

describe('what becomes of it', () => {
  proves([
    {
      rule: "new state of others cancels, the sender's own does not",
      source: 'Synapse; complement pull 768',
      shows: async (served) => {
        const id = await idOf(delayed(served));
        await served.put(statePath, {}, 'alice');
        expect((await served.request('POST', `${events}/${id}/restart`)).status).toBe(200);
        await served.put(statePath, {}, 'bob');
        expect(await served.request('POST', `${events}/${id}/restart`)).toMatchObject(
          error(404, 'M_NOT_FOUND'),
        );
      },
    },
    {
      rule: 'sent by its timer, its event carries the time it was scheduled for, however late it is',
      source: 'Synapse',
      shows: async (served) => {
        const due = served.time.wall() + 1_000;
        await delayed(served);
        await served.pass(5_000);
        expect(served.homeserver.sent[0]?.timestamp).toBe(due);
      },
    },
    {
      rule: 'sent by hand, its event carries the time it was sent, and the delay id is told to the homeserver',
      source: 'Synapse',
      shows: async (served) => {
        const delayId = await idOf(delayed(served));
        await served.pass(400);
        await served.request('POST', `${events}/${delayId}/send`);
        expect(served.homeserver.sent[0]).toMatchObject({
          timestamp: served.time.wall(),
          delayed: { delayId, generation: 'delay-parameter' },
        });
      },
    },
  ]);
});

type Act = (served: Served, id: string, action: string, as: string | null) => Promise<Reply>;
const forms: readonly (readonly [string, Act])[] = [
  ['in the path', (served, id, action, as) => served.request('POST', `${events}/${id}/${action}`, { as })],
  [
    'in the body',
    (served, id, action, as) => served.request('POST', `${events}/${id}`, { as, body: { action } }),
  ],
];

describe.each(forms)('managing, with the action %s', (_form, act) => {
  const source = 'MSC4140 before the merge; lk-jwt-service calls without a login';
  proves([
    ...[null, 'alice', 'alice2'].map((as) => ({
      rule: `with login ${as}: restart counts from now, send sends, cancel cancels`,
      source,
      shows: async (served: Served) => {
        const sent = await idOf(delayed(served, sendPath));
        const cancelled = await idOf(delayed(served));
        await served.pass(999);
        expect(await act(served, sent, 'restart', as)).toMatchObject({ status: 200, text: '{}' });
        expect(await act(served, cancelled, 'cancel', as)).toMatchObject({ status: 200, text: '{}' });
        await served.pass(999);
        expect(served.types()).toEqual([]);
        expect(await act(served, sent, 'send', as)).toMatchObject({ status: 200, text: '{}' });
        await served.pass(2_000);
        expect(served.types()).toEqual(['m.x']);
      },
    })),
    ...['restart', 'send', 'cancel'].map((action) => ({
      rule: `${action} of what is finished or unknown is 404, with CORS headers`,
      source: 'matrix-js-sdk 43 schedules anew after 404 alone',
      shows: async (served: Served) => {
        const fired = await idOf(delayed(served, sendPath, 1));
        await served.pass(1);
        const cancelled = await idOf(delayed(served));
        await act(served, cancelled, 'cancel', null);
        for (const id of [fired, cancelled, 'A'.repeat(22), 'x'])
          for (const as of [null, 'alice']) {
            const answer = await act(served, id, action, as);
            expect(answer).toMatchObject(error(404, 'M_NOT_FOUND'));
            expect(answer.headers.get('access-control-allow-origin')).toBe('*');
          }
      },
    })),
    {
      rule: 'with a login the event must be the caller’s, and a stale login is 401',
      source,
      shows: async (served) => {
        const id = await idOf(delayed(served));
        expect(await act(served, id, 'cancel', 'bob')).toMatchObject(error(404, 'M_NOT_FOUND'));
        expect(await act(served, id, 'cancel', 'stale')).toMatchObject(error(401, 'M_UNKNOWN_TOKEN'));
        expect((await act(served, id, 'restart', 'alice')).status).toBe(200);
      },
    },
    {
      rule: "a send that the room refuses answers the room's error, and the event stays",
      source: 'MSC4140, "Managing scheduled delayed events"',
      shows: async (served) => {
        const id = await idOf(delayed(served));
        served.homeserver.refusal = forbidden;
        expect(await act(served, id, 'send', null)).toMatchObject(error(403, 'M_FORBIDDEN'));
        expect((await act(served, id, 'restart', null)).status).toBe(200);
      },
    },
    {
      rule: 'too many restarts of one event are 429 with the time to wait, and of that one alone',
      source,
      options: { limits: { refreshesPerSecond: 1 } },
      shows: async (served) => {
        const [id, other] = [await idOf(delayed(served)), await idOf(delayed(served, sendPath))];
        await act(served, id, 'restart', null);
        expect(await act(served, id, 'restart', null)).toMatchObject(
          error(429, 'M_LIMIT_EXCEEDED', { retry_after_ms: expect.any(Number) }),
        );
        expect((await act(served, other, 'restart', null)).status).toBe(200);
      },
    },
  ]);
});

describe('managing', () => {
  const source = 'MSC4140 before the merge';
  proves([
    {
      rule: 'an unknown action in the path is 404 M_UNRECOGNIZED',
      source,
      shows: async (served) => {
        const id = await idOf(delayed(served));
        expect(await served.request('POST', `${events}/${id}/explode`)).toMatchObject(
          error(404, 'M_UNRECOGNIZED'),
        );
      },
    },
    ...(
      [
        ['no body', '', 'M_NOT_JSON'],
        ['not JSON', '{', 'M_NOT_JSON'],
        ['no action', '{}', 'M_MISSING_PARAM'],
        ['an unknown action', '{"action":"explode"}', 'M_INVALID_PARAM'],
        ['an action that is no string', '{"action":["send"]}', 'M_INVALID_PARAM'],
      ] as const
    ).map(([what, raw, errcode]) => ({
      rule: `in the body, ${what} is 400 ${errcode}`,
      source,
      shows: async (served: Served) => {
        const id = await idOf(delayed(served));
        expect(await served.request('POST', `${events}/${id}`, { raw })).toMatchObject(error(400, errcode));
      },
    })),
    {
      rule: 'tokens of futures are no delay ids',
      source: 'bearer tokens, one per power',
      shows: async (served) => {
        const { body } = await served.put(`/v3${room}/send_future/m.x/t?future_timeout=1000`);
        for (const token of [body.send_token, body.refresh_token, body.cancel_token])
          expect((await served.request('POST', `${events}/${token}/send`)).status).toBe(404);
        expect(served.types()).toEqual([]);
      },
    },
  ]);
});

describe('lists', () => {
  const source = 'Synapse 1.163; matrix-js-sdk 43';
  const list = (served: Served, query = '', as: string | null = 'alice'): Promise<Reply> =>
    served.request('GET', `${events}${query}`, { as });
  proves([
    {
      rule: 'what is scheduled stands in delayed_events alone, with both pairs of names',
      source,
      shows: async (served) => {
        const delay_id = await idOf(delayed(served));
        await delayed(served, sendPath, 500);
        await served.pass(500);
        const since = served.time.wall() - 500;
        const expected = {
          delay_id,
          room_id: '!room:test',
          type: 'm.s',
          state_key: 'k',
          delay: 1_000,
          delay_ms: 1_000,
          running_since: since,
          delayed_since_ts: since,
          content: { a: 1 },
        };
        for (const query of ['', '?status=scheduled'])
          expect((await list(served, query)).body).toEqual({ delayed_events: [expected] });
      },
    },
    {
      rule: 'without pages it has them all, soonest first',
      source,
      shows: async (served) => {
        for (let ms = 1_130; ms > 1_000; ms -= 1) await delayed(served, statePath.replace('k', `${ms}`), ms);
        const { body } = await list(served);
        expect(body.delayed_events).toHaveLength(130 - 0);
        expect(body.delayed_events[0].delay).toBe(1_001);
        expect(body).not.toHaveProperty('next_batch');
      },
      options: { limits: { futuresPerStateKey: 200 } },
    },
    {
      rule: 'what is finished stands in finalised, for who asks for it, with outcome and reason',
      source,
      shows: async (served) => {
        await delayed(served, `/v3${room}/send/m.x/a`, 100);
        await served.pass(100);
        const sent = await idOf(delayed(served, `/v3${room}/send/m.x/b`, 200));
        await served.request('POST', `${events}/${sent}/send`);
        const cancelled = await idOf(delayed(served, `/v3${room}/send/m.x/c`, 300));
        await served.request('POST', `${events}/${cancelled}/cancel`);
        await delayed(served, statePath, 400);
        await served.put(statePath, {}, 'bob');
        await delayed(served, `/v3${room}/send/m.x/d`, 50);
        served.homeserver.refusal = forbidden;
        await served.pass(50);
        const { body } = await list(served, '?status=finalised');
        expect(body.delayed_events).toEqual([]);
        const words = body.finalised.map((one: any) => [
          one.delayed_event.delay,
          one.outcome,
          one.reason,
          one.event_id ?? one.error?.['org.matrix.msc4140.errcode'] ?? one.error?.errcode,
        ]);
        const [first, second] = served.homeserver.sent.map(({ id }) => id);
        expect(words).toEqual([
          [100, 'send', 'delay', first],
          [50, 'cancel', 'error', 'M_FORBIDDEN'],
          [200, 'send', 'action', second],
          [300, 'cancel', 'action', undefined],
          [400, 'cancel', 'error', 'M_CANCELLED_BY_STATE_UPDATE'],
        ]);
      },
    },
    {
      rule: 'finished ones come in pages',
      source,
      shows: async (served) => {
        for (let count = 0; count < 101; count += 1) await delayed(served, `/v3${room}/send/m.x/${count}`, 1);
        await served.pass(1);
        const first = (await list(served, '?status=finalised')).body;
        const second = (await list(served, `?status=finalised&from=${first.next_batch}`)).body;
        expect([first.finalised.length, second.finalised.length]).toEqual([100, 1]);
        expect(second).not.toHaveProperty('next_batch');
      },
    },
    {
      rule: 'delay_id asks for some of them, in one parameter or many',
      source,
      shows: async (served) => {
        const [one, two] = [await idOf(delayed(served)), await idOf(delayed(served, sendPath, 5))];
        await served.pass(5);
        const ids = async (query: string): Promise<unknown> =>
          (await list(served, query)).body.delayed_events.map((each: any) => each.delay_id);
        expect(await ids(`?delay_id=${one}&delay_id=${one}&delay_id=x&delay_id=${two}`)).toEqual([one]);
        expect(await ids('?delay_id=x')).toEqual([]);
        const { body } = await list(served, `?status=finalised&delay_id=${two}&delay_id=${one}`);
        expect(body.finalised).toMatchObject([{ delayed_event: { delay_id: two } }]);
      },
    },
    {
      rule: 'a list is of the caller alone, and needs a login',
      source,
      shows: async (served) => {
        const id = await idOf(delayed(served));
        expect((await list(served, '', 'bob')).body).toEqual({ delayed_events: [] });
        expect((await list(served, `?delay_id=${id}`, 'bob')).body).toEqual({ delayed_events: [] });
        expect(await list(served, '', null)).toMatchObject(error(401, 'M_MISSING_TOKEN'));
        expect(await list(served, '', 'stale')).toMatchObject(error(401, 'M_UNKNOWN_TOKEN'));
      },
    },
    ...['?status=sent', '?from=x', '?status='].map((query) => ({
      rule: `${query} is 400 M_INVALID_PARAM`,
      source,
      shows: async (served: Served) => {
        expect(await list(served, query)).toMatchObject(error(400, 'M_INVALID_PARAM'));
      },
    })),
    {
      rule: 'a single one has both pairs of names, and its outcome when it has one',
      source: 'matrix-js-sdk 43, _unstable_getDelayedEvent',
      shows: async (served) => {
        const id = await idOf(delayed(served));
        const { body } = await list(served, `/${id}`);
        expect(body).toEqual((await list(served)).body.delayed_events[0]);
        await served.pass(1_000);
        expect((await list(served, `/${id}`)).body).toEqual({
          ...body,
          finalised: { finalised_ts: served.time.wall(), event_id: served.homeserver.sent[0]?.id },
        });
        expect(await list(served, `/${id}`, 'bob')).toMatchObject(error(404, 'M_NOT_FOUND'));
        expect(await list(served, '/x')).toMatchObject(error(404, 'M_NOT_FOUND'));
      },
    },
    {
      rule: 'an action future has no delay, is listed last, and cannot be restarted: 404',
      source: 'no word for it in this generation',
      shows: async (served) => {
        await served.put(`/v3${room}/send_future/m.x/t1?future_timeout=9000&future_group_id=g`);
        await served.put(`/v3${room}/send_future/m.y/t2?future_group_id=g`);
        const { delayed_events: found } = (await list(served)).body;
        expect(found.map(({ type }: any) => type)).toEqual(['m.x', 'm.y']);
        expect(found[1]).not.toHaveProperty('delay');
        expect(found[1]).not.toHaveProperty('delay_ms');
        expect(found[1].running_since).toBe(served.time.wall());
        expect(await served.request('POST', `${events}/${found[1].delay_id}/restart`)).toMatchObject(
          error(404, 'M_NOT_FOUND'),
        );
        expect(await served.request('POST', `/v1/delayed_events/${found[1].delay_id}/restart`)).toMatchObject(
          error(409, 'M_UNKNOWN'),
        );
      },
    },
  ]);
});

import { describe, expect, test } from 'vitest';
import type { UseAnswer } from '@matrix-futures/engine';
import type { Reply, Served } from '../served.ts';
import { serve } from '../served.ts';
import { error, forbidden, proves, room } from './rule.ts';

/** Delayed events as merged (MSC4140). Sections are those of the MSC. */
const put = (served: Served, body: unknown, path = `/v3${room}/delayed_event/m.x/t`): Promise<Reply> =>
  served.put(path, body);
const event = { delay_ms: 1_000, content: { a: 1 } };
const state = { delay_ms: 1_000, state_key: 'k', content: {} };

async function scheduled(served: Served, body: unknown = event, txn = 't'): Promise<string> {
  return (await put(served, body, `/v3${room}/delayed_event/m.x/${txn}`)).body.delay_id;
}
const act = (served: Served, id: string, action: string, as: string | null = 'alice'): Promise<Reply> =>
  served.request('POST', `/v1/delayed_events/${id}/${action}`, { as });
const get = (served: Served, id: string, as = 'alice'): Promise<Reply> =>
  served.request('GET', `/v1/delayed_events/${id}`, { as });

describe('scheduling', () => {
  const source = 'Scheduling a delayed event';
  const unstable = `/unstable/org.matrix.msc4140${room}/delayed_event/m.x/t`;
  proves([
    {
      rule: 'answers the delay id and nothing else, and sends the content as a message',
      source,
      shows: async (served) => {
        expect(await put(served, event)).toMatchObject({
          status: 200,
          body: { delay_id: expect.stringMatching(/^[\w-]{22}$/) },
        });
        await served.pass(999);
        expect(served.homeserver.sent).toEqual([]);
        await served.pass(1);
        expect(served.homeserver.sent[0]?.draft).toMatchObject({ stateKey: null, content: { a: 1 } });
      },
    },
    {
      rule: 'with a state key it is state, also with an empty one',
      source,
      shows: async (served) => {
        await scheduled(served, state, 't1');
        await scheduled(served, { ...state, state_key: '' }, 't2');
        await served.pass(1_000);
        expect(served.homeserver.sent.map(({ draft }) => draft.stateKey)).toEqual(['k', '']);
      },
    },
    {
      rule: 'a transaction id is one on the stable and the unstable path, and looked at before the body',
      source: 'Transaction identifiers',
      shows: async (served) => {
        const id = await scheduled(served);
        expect((await served.request('PUT', unstable, { raw: '{' })).body).toEqual({ delay_id: id });
        expect((await put(served, event, `/v3${room}/delayed_event/m.y/t`)).body.delay_id).not.toBe(id);
      },
    },
    ...(
      [
        ['no delay_ms', { content: {} }, 'M_MISSING_PARAM'],
        ['no content', { delay_ms: 1 }, 'M_MISSING_PARAM'],
        ['a delay of 0', { ...event, delay_ms: 0 }, 'M_INVALID_PARAM'],
        ['a negative delay', { ...event, delay_ms: -1 }, 'M_INVALID_PARAM'],
        ['a fraction', { ...event, delay_ms: 1.5 }, 'M_INVALID_PARAM'],
        ['a delay as text', { ...event, delay_ms: '1' }, 'M_INVALID_PARAM'],
        ['a content that is no object', { ...event, content: [] }, 'M_INVALID_PARAM'],
        ['a state key that is no text', { ...event, state_key: 1 }, 'M_INVALID_PARAM'],
        ['a state key of null', { ...event, state_key: null }, 'M_INVALID_PARAM'],
      ] as const
    ).map(([what, body, errcode]) => ({
      rule: `${what} is 400 ${errcode}`,
      source,
      shows: async (served: Served) => {
        expect(await put(served, body)).toMatchObject(error(400, errcode));
        expect(await put(served, body, unstable)).toMatchObject(error(400, errcode));
      },
    })),
    {
      rule: 'a body that is not JSON is M_NOT_JSON, and no login M_MISSING_TOKEN',
      source,
      shows: async (served) => {
        expect(await served.request('PUT', unstable, { raw: '{' })).toMatchObject(error(400, 'M_NOT_JSON'));
        expect(await served.put(unstable, event, null)).toMatchObject(error(401, 'M_MISSING_TOKEN'));
      },
    },
    {
      rule: 'too long is M_DELAY_TOO_LARGE, on the unstable path with a code and a maximum of its own',
      source: 'merged text',
      options: { limits: { maxTimeout: 999 } },
      shows: async (served) => {
        expect(await put(served, event)).toMatchObject(error(400, 'M_DELAY_TOO_LARGE'));
        const fields = { 'org.matrix.msc4140.max_delay': 999 };
        expect(await put(served, event, unstable)).toMatchObject(
          error(400, 'ORG.MATRIX.MSC4140_DELAY_TOO_LARGE', fields),
        );
      },
    },
    {
      rule: 'too many are 429 until the next of them is due, in seconds rounded up',
      source,
      options: { limits: { pendingPerUser: 1 } },
      shows: async (served) => {
        await scheduled(served, { ...event, delay_ms: 1_200_001 });
        const answer = await put(served, event, `/v3${room}/delayed_event/m.x/t2`);
        expect(answer).toMatchObject(error(429, 'M_LIMIT_EXCEEDED'));
        expect(answer.headers.get('retry-after')).toBe('1201');
      },
    },
    {
      rule: 'sticky duration and, for application services, ts are applied when it is sent',
      source: 'timestamp massaging',
      shows: async (served) => {
        const query = 'ts=7&org.matrix.msc4354.sticky_duration_ms=1000';
        await served.put(`/v3${room}/delayed_event/m.x/t?${query}`, event, 'bridge');
        await served.pass(1_000);
        expect(served.homeserver.sent[0]?.draft.extras).toEqual({ ts: 7, stickyDurationMs: 1_000 });
      },
    },
  ]);
});

describe('what becomes of it', () => {
  proves([
    {
      rule: 'new state does not cancel it, whoever sends it',
      source: 'Conflicting delayed state events',
      shows: async (served) => {
        await put(served, state);
        await served.put(`/v3${room}/state/m.x/k`, {}, 'bob');
        await served.put(`/v3${room}/state/m.x/k`, {}, 'alice');
        await served.pass(1_000);
        expect(served.homeserver.sent).toHaveLength(3);
      },
    },
    {
      rule: 'its event carries the time at which it entered the room, and its delay id for the sender',
      source: '`delay_id` in `unsigned` event data',
      shows: async (served) => {
        const delayId = await scheduled(served);
        served.time.move(5_000);
        await served.pass(0);
        expect(served.homeserver.sent[0]).toMatchObject({
          timestamp: served.time.wall(),
          delayed: { delayId, generation: 'delayed-events' },
        });
      },
    },
    {
      rule: "a timer's send that fails is finalised with the error",
      source: 'Power levels are evaluated at the point of sending',
      shows: async (served) => {
        const id = await scheduled(served);
        served.homeserver.refusal = forbidden;
        await served.pass(1_000);
        expect((await get(served, id)).body.finalised).toMatchObject({
          finalised_ts: served.time.wall(),
          error: { errcode: 'M_FORBIDDEN', error: 'No power' },
        });
      },
    },
    {
      rule: 'guests and application services may use it',
      source: 'Guest accounts',
      shows: async (served) => {
        for (const as of ['guest', 'bridge']) {
          const { body } = await served.put(`/v3${room}/delayed_event/m.x/t`, event, as);
          expect((await act(served, body.delay_id, 'restart', as)).status).toBe(200);
          expect((await get(served, body.delay_id, as)).body.delay_id).toBe(body.delay_id);
        }
      },
    },
  ]);
});

describe('managing', () => {
  const source = 'Managing scheduled delayed events';
  const finished: readonly [what: string, (served: Served, id: string) => Promise<unknown>][] = [
    ['sent', (served) => served.pass(1_000)],
    ['sent by hand', (served, id) => act(served, id, 'send')],
    ['cancelled', (served, id) => act(served, id, 'cancel')],
    [
      'failed',
      async (served) => {
        served.homeserver.refusal = forbidden;
        await served.pass(1_000);
        served.homeserver.refusal = null;
      },
    ],
  ];
  const statuses: Readonly<Record<string, readonly [send: number, cancel: number, restart: number]>> = {
    sent: [200, 409, 409],
    'sent by hand': [200, 409, 409],
    cancelled: [409, 200, 409],
    failed: [409, 200, 409],
  };

  proves([
    {
      rule: 'send sends now, cancel cancels, restart starts the timer anew; each answers {}',
      source,
      shows: async (served) => {
        const ids: string[] = [];
        for (const txn of ['a', 'b', 'c']) ids.push(await scheduled(served, event, txn));
        const [sent = '', cancelled = '', restarted = ''] = ids;
        await served.pass(600);
        expect(await act(served, sent, 'send')).toMatchObject({ status: 200, text: '{}' });
        expect(await act(served, cancelled, 'cancel')).toMatchObject({ status: 200, text: '{}' });
        expect(await act(served, restarted, 'restart')).toMatchObject({ status: 200, text: '{}' });
        await served.pass(999);
        expect(served.homeserver.sent).toHaveLength(1);
        await served.pass(1);
        expect(served.homeserver.sent).toHaveLength(2);
      },
    },
    ...['send', 'cancel', 'restart'].map((action) => ({
      rule: `${action} needs the owner's login: none 401, a stale one 401, another's 404, an unknown id 404`,
      source,
      shows: async (served: Served) => {
        const id = await scheduled(served);
        expect(await act(served, id, action, null)).toMatchObject(error(401, 'M_MISSING_TOKEN'));
        expect(await act(served, id, action, 'stale')).toMatchObject(error(401, 'M_UNKNOWN_TOKEN'));
        expect(await act(served, id, action, 'bob')).toMatchObject(error(404, 'M_NOT_FOUND'));
        expect(await act(served, 'x', action)).toMatchObject(error(404, 'M_NOT_FOUND'));
        await served.pass(999);
        expect(served.homeserver.sent).toEqual([]);
        expect((await get(served, id)).body.finalised).toBe(undefined);
      },
    })),
    ...finished.flatMap(([what, finish]) =>
      (['send', 'cancel', 'restart'] as const).map((action, index) => ({
        rule: `${action} of what was ${what} is ${statuses[what]?.[index]} and changes nothing, on unstable paths 404`,
        source: action === 'restart' ? 'MSC4542' : source,
        shows: async (served: Served) => {
          const id = await scheduled(served);
          await finish(served, id);
          const before = await get(served, id);
          const status = statuses[what]?.[index] ?? 0;
          const expected = status === 200 ? { status, text: '{}' } : error(409, 'M_UNKNOWN');
          expect(await act(served, id, action)).toMatchObject(expected);
          const unstable = `/unstable/org.matrix.msc4140/delayed_events/${id}/${action}`;
          expect(await served.request('POST', unstable)).toMatchObject(error(404, 'M_NOT_FOUND'));
          expect((await get(served, id)).text).toBe(before.text);
        },
      })),
    ),
    {
      rule: "a manual send that fails answers the room's own error, and the event stays scheduled",
      source,
      shows: async (served) => {
        const id = await scheduled(served);
        served.homeserver.refusal = { ...forbidden, status: 403 };
        expect(await act(served, id, 'send')).toMatchObject(error(403, 'M_FORBIDDEN', { error: 'No power' }));
        expect((await get(served, id)).body.finalised).toBe(undefined);
        served.homeserver.refusal = null;
        await served.pass(1_000);
        expect(served.homeserver.sent).toHaveLength(1);
      },
    },
    ...(['send', 'cancel', 'restart'] as const).map((action) => ({
      rule: `${action} of what is being sent, and can no longer be stopped, is 409`,
      source,
      shows: async (served: Served) => {
        const id = await scheduled(served);
        const gone = (): Promise<UseAnswer> => Promise.resolve({ kind: 'gone' });
        Object.assign(served.futures, { send: gone, cancel: gone, refresh: gone });
        expect(await act(served, id, action)).toMatchObject(
          error(409, 'M_UNKNOWN', { error: 'This event is on its way' }),
        );
      },
    })),
    {
      rule: 'an unknown action is 404 M_UNRECOGNIZED, another method 405',
      source,
      shows: async (served) => {
        const id = await scheduled(served);
        expect(await act(served, id, 'explode')).toMatchObject(error(404, 'M_UNRECOGNIZED'));
        const path = `/v1/delayed_events/${id}/send`;
        expect(await served.request('GET', path)).toMatchObject(error(405, 'M_UNRECOGNIZED'));
      },
    },
    {
      rule: 'a bare delay id of this generation opens nothing on the unstable paths',
      source: 'All new endpoints are authenticated',
      shows: async (served) => {
        const id = await scheduled(served);
        const path = `/unstable/org.matrix.msc4140/delayed_events/${id}`;
        expect(await served.request('POST', `${path}/send`, { as: null })).toMatchObject(
          error(404, 'M_NOT_FOUND'),
        );
        expect((await served.request('POST', `${path}/send`)).status).toBe(200);
      },
    },
  ]);
});

describe('getting one', () => {
  const source = 'Getting a single delayed event';
  proves([
    {
      rule: 'has all that was asked for, and since when it is delayed',
      source,
      shows: async (served) => {
        const delay_id = await scheduled(served, { ...state, content: { a: [1] } });
        await served.pass(400);
        await act(served, delay_id, 'restart');
        expect((await get(served, delay_id)).body).toEqual({
          delay_id,
          room_id: '!room:test',
          type: 'm.x',
          state_key: 'k',
          delay_ms: 1_000,
          delayed_since_ts: served.time.wall(),
          content: { a: [1] },
        });
      },
    },
    {
      rule: 'of a message it has no state key',
      source,
      shows: async (served) => {
        expect((await get(served, await scheduled(served))).body).not.toHaveProperty('state_key');
      },
    },
    {
      rule: 'once sent it has the event id, and when; before its time: by hand',
      source,
      shows: async (served) => {
        const [timer, hand] = [await scheduled(served, event, 'a'), await scheduled(served, event, 'b')];
        await served.pass(999);
        await act(served, hand, 'send');
        await served.pass(1);
        const [byTimer, byHand] = [(await get(served, timer)).body, (await get(served, hand)).body];
        const [first, second] = served.homeserver.sent.map(({ id }) => id);
        expect(byHand.finalised).toEqual({ finalised_ts: byHand.delayed_since_ts + 999, event_id: first });
        expect(byTimer.finalised).toEqual({
          finalised_ts: byTimer.delayed_since_ts + 1_000,
          event_id: second,
        });
      },
    },
    {
      rule: 'once cancelled it has neither event nor error, but whose doing it was',
      source,
      shows: async (served) => {
        const id = await scheduled(served);
        await act(served, id, 'cancel');
        expect((await get(served, id)).body.finalised).toEqual({
          finalised_ts: served.time.wall(),
          'dev.matrix-futures.reason': 'owner',
        });
      },
    },
    {
      rule: "is 404 for another's and for an unknown one, 401 without a login",
      source,
      shows: async (served) => {
        const id = await scheduled(served);
        expect(await get(served, id, 'bob')).toMatchObject(error(404, 'M_NOT_FOUND'));
        expect(await get(served, 'x')).toMatchObject(error(404, 'M_NOT_FOUND'));
        const path = `/v1/delayed_events/${id}`;
        expect(await served.request('GET', path, { as: null })).toMatchObject(error(401, 'M_MISSING_TOKEN'));
      },
    },
    {
      rule: 'is 404 when it has been finished for longer than outcomes are kept',
      source: 'Retention of finalised delayed events',
      shows: async (served) => {
        const id = await scheduled(served);
        await act(served, id, 'send');
        await served.pass(1e9 - 1);
        expect((await get(served, id)).status).toBe(200);
        served.time.move(2);
        expect(await get(served, id)).toMatchObject(error(404, 'M_NOT_FOUND'));
      },
    },
  ]);
});

describe('what the server says of itself', () => {
  test.each([
    [{}, { max_delay_ms: 30 * 86_400_000, max_scheduled: 1_000 }],
    [{ maxTimeout: 0 }, { max_scheduled: 1_000 }],
    [{ maxTimeout: 0, perUser: false }, {}],
  ])('with the limits %j, the capability is %j, under both names', async (limits, capability) => {
    expect((await serve({ limits })).capabilities).toEqual({
      'm.delayed_events': capability,
      'org.matrix.msc4140.delayed_events': capability,
    });
  });
});

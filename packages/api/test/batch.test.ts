import { describe, expect, test } from 'vitest';
import { serve, type Served } from './served.ts';

const features = ['io.element.msc3140', 'io.element.msc4140', 'org.matrix.msc4140'];
const path = '/v3/rooms/!room:test/send/future/t1';
const token = expect.stringMatching(/^[\w-]{22}$/);
const onTimeout = { type: 'm.late', content: { late: true } };

const listed = async (served: Served) => (await served.request('GET', '/v3/futures')).body;

describe('a batch', () => {
  test('schedules a group and sends an event in one step', async () => {
    const served = await serve();
    const answer = await served.put(path, {
      timeout: 1_000,
      send_on_timeout: onTimeout,
      send_on_action: {
        hangup: { type: 'm.state', state_key: 'k', content: { left: true } },
        other: { type: 'm.other', content: {} },
      },
      send_now: { type: 'm.now', content: { now: true } },
    });
    const event = served.homeserver.sent[0]?.id;
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual({
      send_on_timeout: { send_token: token, cancel_token: token, refresh_token: token },
      send_on_action: { hangup: { send_token: token }, other: { send_token: token } },
      send_now: { event_id: event, eventId: event },
    });
    expect(served.types()).toEqual(['m.now']);
    await served.pass(999);
    expect((await served.use(answer.body.send_on_timeout.refresh_token)).status).toBe(200);
    await served.pass(999);
    expect((await served.use(answer.body.send_on_action.hangup.send_token)).status).toBe(200);
    expect(served.homeserver.sent[1]?.draft).toMatchObject({
      type: 'm.state',
      stateKey: 'k',
      content: { left: true },
    });
    expect((await served.use(answer.body.send_on_action.other.send_token)).status).toBe(410);
    await served.pass(5_000);
    expect(served.types()).toEqual(['m.now', 'm.state']);
  });

  test('has actions of any name up to 255 bytes', async () => {
    const served = await serve();
    const names = ['', '__proto__', 'a\nb', 'x'.repeat(255)];
    const actions = Object.fromEntries(names.map((name) => [name, onTimeout]));
    const answer = await served.put(path, {
      timeout: 10,
      send_on_timeout: onTimeout,
      send_on_action: actions,
    });
    expect(Object.keys(answer.body.send_on_action)).toEqual(names);
  });

  test('needs no actions and no event now', async () => {
    const served = await serve();
    const answer = await served.put(path, { timeout: 10, send_on_timeout: onTimeout });
    expect(answer.body).toEqual({
      send_on_timeout: { send_token: token, cancel_token: token, refresh_token: token },
    });
    await served.pass(9);
    expect(served.types()).toEqual([]);
    await served.pass(1);
    expect(served.types()).toEqual(['m.late']);
  });

  test.each(['', 'm.', ...features.map((feature) => `${feature}.`)])(
    'its members and its variable are understood when spelled "%s…"',
    async (prefix) => {
      const served = await serve();
      const variable = `$${prefix || 'm.'}send_now.event_id`;
      const answer = await served.put(path, {
        [`${prefix}timeout`]: 10,
        [`${prefix}send_on_timeout`]: { type: 'm.late', content: { target: variable } },
        [`${prefix}send_on_action`]: { act: { type: 'm.act', content: {} } },
        [`${prefix}send_now`]: { type: 'm.now', content: {} },
      });
      expect(Object.keys(answer.body)).toEqual(['send_on_timeout', 'send_on_action', 'send_now']);
      await served.pass(10);
      expect(served.homeserver.sent[1]?.draft.content).toEqual({ target: answer.body.send_now.event_id });
    },
  );

  test.each([
    '/r0/rooms/!room:test/send/future/t1',
    ...features.map((feature) => `/unstable/${feature}/rooms/!room:test/send/future/t1`),
  ])('%s is the same transaction as the stable path', async (other) => {
    const served = await serve();
    const body = { timeout: 10, send_on_timeout: onTimeout, send_now: { type: 'm.now', content: {} } };
    const first = await served.put(other, body);
    expect(first.status).toBe(200);
    expect((await served.put(path, body)).text).toBe(first.text);
    expect(served.types()).toEqual(['m.now']);
  });

  test('the variable is replaced in values wherever it stands, never in keys; order and the rest stay', async () => {
    const served = await serve();
    const v = '$m.send_now.event_id';
    const template =
      `{"z":"${v}","a":{"deep":[1,null,true,["${v}",{"k":"see ${v} and ${v}!"}]]},"${v}":1.5,` +
      `"__proto__":{"x":"${v}"},"half":"$m.send_now.event","b":"$m.send_now.event_id2"}`;
    await served.request('PUT', path, {
      raw: `{"timeout":10,"send_on_timeout":{"type":"m.late","content":${template}},"send_now":{"type":"m.now","content":{}}}`,
    });
    const id = served.homeserver.sent[0]?.id ?? '';
    await served.pass(10);
    const replaced = template.replaceAll(v, () => id).replace(`"${id}":1.5`, () => `"${v}":1.5`);
    expect(JSON.stringify(served.homeserver.sent[1]?.draft.content)).toBe(replaced);
  });

  test('state sent by it does not invalidate its own leave', async () => {
    const served = await serve();
    await served.put(path, {
      timeout: 10,
      send_on_timeout: { type: 'm.s', state_key: 'k', content: {} },
      send_now: { type: 'm.s', state_key: 'k', content: { in: true } },
    });
    await served.pass(10);
    expect(served.homeserver.sent.map(({ draft }) => draft.content)).toEqual([{ in: true }, {}]);
  });

  test('is all or nothing: when the room refuses the event, nothing is scheduled and the id is free', async () => {
    const served = await serve();
    const body = { timeout: 10, send_on_timeout: onTimeout, send_now: { type: 'm.now', content: {} } };
    served.homeserver.refusal = { status: 403, errcode: 'M_FORBIDDEN', error: 'No' };
    expect(await served.put(path, body)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(await listed(served)).toEqual([]);
    served.homeserver.refusal = null;
    expect((await served.put(path, body)).status).toBe(200);
  });

  test('is all or nothing: when it cannot be stored, no tokens work and the id is free', async () => {
    const served = await serve();
    const body = { timeout: 10, send_on_timeout: onTimeout };
    served.breakStore(true);
    expect((await served.put(path, body)).status).toBe(503);
    served.breakStore(false);
    expect(await listed(served)).toEqual([]);
    expect((await served.put(path, body)).status).toBe(200);
  });

  test('while nobody knows whether its event reached the room, it is 504', async () => {
    const served = await serve();
    served.futures.scheduleBatch = () => Promise.resolve({ kind: 'undecided' });
    const answer = await served.put(path, { timeout: 10, send_on_timeout: onTimeout, send_now: onTimeout });
    expect(answer).toMatchObject({ status: 504, body: { errcode: 'M_UNKNOWN' } });
  });

  test('counts the event that it sends at once, not those for later, and no repeat', async () => {
    const served = await serve();
    const body = { timeout: 10, send_on_timeout: onTimeout, send_on_action: { act: onTimeout } };
    await served.put(`${path}0`, body);
    expect(served.homeserver.counted).toEqual([]);
    for (const at of [path, path, '/unstable/io.element.msc3140/rooms/!room:test/send/future/t2'])
      await served.put(at, { ...body, send_now: onTimeout });
    expect(served.homeserver.counted).toEqual(['@alice:test', '@alice:test']);
  });

  test('is refused whole when that event is one too many for its user', async () => {
    const served = await serve();
    const body = { timeout: 10, send_on_timeout: onTimeout, send_now: { type: 'm.now', content: {} } };
    served.homeserver.allowedEvents = 0;
    expect(await served.put(path, body)).toMatchObject({
      status: 429,
      body: { errcode: 'M_LIMIT_EXCEEDED' },
    });
    expect([served.types(), await listed(served)]).toEqual([[], []]);
    served.homeserver.allowedEvents = 1;
    expect((await served.put(path, body)).status).toBe(200);
  });

  test('keeps the other parameters of the plain endpoint for all of its events', async () => {
    const served = await serve();
    const body = { timeout: 10, send_on_timeout: onTimeout, send_now: onTimeout };
    await served.put(`${path}?org.matrix.msc4354.sticky_duration_ms=5`, body);
    await served.pass(10);
    expect(served.homeserver.sent.map(({ draft }) => draft.extras)).toEqual([
      { stickyDurationMs: 5 },
      { stickyDurationMs: 5 },
    ]);
  });

  test('is listed by its events, with tokens for each', async () => {
    const served = await serve();
    await served.put(path, { timeout: 10, send_on_timeout: onTimeout, send_on_action: { act: onTimeout } });
    const [timeout, action] = await listed(served);
    expect(timeout.response.future_group_id).toBe(action.response.future_group_id);
    expect(action.response.refresh_token).toBeUndefined();
    expect((await served.use(action.response.cancel_token)).status).toBe(200);
  });
});

describe('a batch is refused when', () => {
  const event = { type: 'm.x', content: {} };
  const variable = { type: 'm.x', content: { a: [{ b: '$m.send_now.event_id' }] } };
  test.each<[what: string, body: unknown, status: number, errcode: string]>([
    ['the timeout is missing', { send_on_timeout: event }, 400, 'M_MISSING_PARAM'],
    ...[0, -1, 1.5, 'abc', '10', null, true, [], {}].map((timeout): [string, unknown, number, string] => [
      `the timeout is ${JSON.stringify(timeout)}`,
      { timeout, send_on_timeout: event },
      400,
      'M_INVALID_PARAM',
    ]),
    ...[1e12, 1e30].map((timeout): [string, unknown, number, string] => [
      `the timeout is ${timeout}, above the maximum`,
      { timeout, send_on_timeout: event },
      400,
      'M_FUTURE_MAX_TIMEOUT_EXCEEDED',
    ]),
    ['send_on_timeout is no object', { timeout: 1, send_on_timeout: 1 }, 400, 'M_BAD_JSON'],
    ['send_on_timeout has no type', { timeout: 1, send_on_timeout: { content: {} } }, 400, 'M_MISSING_PARAM'],
    [
      'send_on_timeout has no content',
      { timeout: 1, send_on_timeout: { type: 'a' } },
      400,
      'M_MISSING_PARAM',
    ],
    ['a content is an array', { timeout: 1, send_on_timeout: { type: 'a', content: [] } }, 400, 'M_BAD_JSON'],
    ['a type is a number', { timeout: 1, send_on_timeout: { type: 1, content: {} } }, 400, 'M_BAD_JSON'],
    [
      'a state key is null',
      { timeout: 1, send_on_timeout: { ...event, state_key: null } },
      400,
      'M_BAD_JSON',
    ],
    [
      'send_on_action is an array',
      { timeout: 1, send_on_timeout: event, send_on_action: [event] },
      400,
      'M_BAD_JSON',
    ],
    [
      'send_on_action is null',
      { timeout: 1, send_on_timeout: event, send_on_action: null },
      400,
      'M_BAD_JSON',
    ],
    [
      'an action is no event',
      { timeout: 1, send_on_timeout: event, send_on_action: { 'a\nb': 5 } },
      400,
      'M_BAD_JSON',
    ],
    [
      'the name of an action has 256 bytes',
      { timeout: 1, send_on_timeout: event, send_on_action: { ['é'.repeat(128)]: event } },
      400,
      'M_INVALID_PARAM',
    ],
    [
      'an action has no type',
      { timeout: 1, send_on_timeout: event, send_on_action: { a: { content: {} } } },
      400,
      'M_MISSING_PARAM',
    ],
    ['send_now is no event', { timeout: 1, send_on_timeout: event, send_now: 'x' }, 400, 'M_BAD_JSON'],
    ['a variable has nothing to refer to', { timeout: 1, send_on_timeout: variable }, 400, 'M_INVALID_PARAM'],
    [
      'a variable of an action has nothing to refer to',
      { timeout: 1, send_on_timeout: event, send_on_action: { a: variable } },
      400,
      'M_INVALID_PARAM',
    ],
    [
      'a content is too large with the longest event id in it',
      {
        timeout: 1,
        send_on_timeout: { type: 'a', content: { a: 'x'.repeat(960), b: '$m.send_now.event_id' } },
        send_now: event,
      },
      413,
      'M_TOO_LARGE',
    ],
    [
      'send_now is too large',
      { timeout: 1, send_on_timeout: event, send_now: { type: 'a', content: { a: 'x'.repeat(1_000) } } },
      413,
      'M_TOO_LARGE',
    ],
    [
      'it has too many members',
      {
        timeout: 1,
        send_on_timeout: event,
        send_on_action: Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`a${index}`, event])),
      },
      429,
      'M_LIMIT_EXCEEDED',
    ],
  ])('%s', async (_what, body, status, errcode) => {
    const served = await serve();
    expect(await served.put(path, body)).toMatchObject({ status, body: { errcode } });
    expect(served.types()).toEqual([]);
    expect(await listed(served)).toEqual([]);
  });

  test.each<[body: unknown, error: string]>([
    [
      { timeout: '5', send_on_timeout: event },
      'timeout is "5"; it must be a whole number of milliseconds, at least 1',
    ],
    [{ timeout: 1, send_on_timeout: 1 }, 'send_on_timeout must be object'],
    [{ timeout: 1, send_on_timeout: { type: 'm.x', content: [] } }, 'send_on_timeout.content must be object'],
  ])('its body is %j, and it says where', async (body, error) => {
    const served = await serve();
    expect((await served.put(path, body)).body.error).toBe(error);
  });

  test.each(features)(
    'send_on_timeout is missing, under %s, where no plain event can be meant',
    async (feature) => {
      const served = await serve();
      const answer = await served.put(`/unstable/${feature}/rooms/!room:test/send/future/t`, { timeout: 1 });
      expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } });
    },
  );

  test('the room id is none', async () => {
    const served = await serve();
    const answer = await served.put('/v3/rooms/room/send/future/t', { timeout: 1, send_on_timeout: event });
    expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });
});

describe('the path of the batch is that of a plain event of the type `future`', () => {
  test('without send_on_timeout the event is sent', async () => {
    const served = await serve();
    const answer = await served.put(path, { some: 'content' });
    expect(answer).toMatchObject({ status: 200, body: { event_id: served.homeserver.sent[0]?.id } });
    expect(served.homeserver.sent[0]?.draft).toMatchObject({ type: 'future', content: { some: 'content' } });
  });

  test('what is not JSON is answered as plain send answers it', async () => {
    const served = await serve();
    const answer = await served.request('PUT', path, { raw: '{' });
    expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_NOT_JSON' } });
  });

  test('a batch that is repeated is answered as a batch, whatever its body is now', async () => {
    const served = await serve();
    const first = await served.put(path, {
      timeout: 10,
      send_on_timeout: onTimeout,
      send_on_action: { b: onTimeout, a: onTimeout },
      send_now: onTimeout,
    });
    for (const raw of ['{', '', '{"plain":1}', '{"send_on_timeout":0}'])
      expect(await served.request('PUT', path, { raw })).toMatchObject({ status: 200, text: first.text });
    expect(served.types()).toEqual(['m.late']);
  });

  test('a plain event that is repeated is answered as one, whatever its body is now', async () => {
    const served = await serve();
    const first = await served.put(path, { some: 'content' });
    expect((await served.put(path, { timeout: 10, send_on_timeout: onTimeout })).text).toBe(first.text);
    expect(served.types()).toEqual(['future']);
    expect(await listed(served)).toEqual([]);
  });

  test('duplicates at the same moment make one batch', async () => {
    const served = await serve();
    const body = { timeout: 10, send_on_timeout: onTimeout, send_now: onTimeout };
    const answers = await Promise.all(Array.from({ length: 5 }, () => served.put(path, body)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(served.types()).toEqual(['m.late']);
  });

  test('delayed events of the type `future` keep their parameter', async () => {
    const served = await serve();
    const answer = await served.put(`${path}?org.matrix.msc4140.delay=10`, { timeout: 1 });
    expect(answer.body).toEqual({ delay_id: expect.any(String) });
    await served.pass(10);
    expect(served.types()).toEqual(['future']);
  });
});

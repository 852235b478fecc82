import type { Delayed } from '@matrix-futures/engine';
import { AuthenticationUnavailable } from '@matrix-futures/http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DelayIdsOf } from '../../src/proxy/delay-ids.ts';
import { findOwnEvents } from '../../src/proxy/event-scan.ts';
import { alice, gatewayBefore, timers } from './proxying.ts';

const mine = (id: string, more: object = {}) => ({ event_id: id, sender: alice.user, content: {}, ...more });

const found = (text: string, user = alice.user) => {
  const scan = findOwnEvents(Buffer.from(text), user);
  for (;;) {
    const { done, value } = scan.next();
    if (done) return value;
  }
};
const idsIn = (value: unknown) => found(JSON.stringify(value)).map(({ id }) => id);

describe('the events of a user', () => {
  test.each([
    ['alone', mine('$1'), ['$1']],
    [
      'anywhere in an answer',
      { rooms: { join: { '!r': { timeline: { events: [mine('$1'), mine('$2')] } } } } },
      ['$1', '$2'],
    ],
    ['not those of others', [{ ...mine('$1'), sender: '@bob:test' }, mine('$2')], ['$2']],
    [
      'not what only looks like one inside of a content',
      [{ content: { x: mine('$1') } }, mine('$2', { content: mine('$3') })],
      ['$2'],
    ],
    ['not those without an id', [{ sender: alice.user }], []],
    [
      'also in the unsigned of others',
      { event_id: '$1', sender: '@bob:test', unsigned: { redacted_because: mine('$2') } },
      ['$2'],
    ],
    [
      'with quotes and backslashes about',
      [{ a: '"\\', '\\"': '"event_id":"$0"' }, mine('$1'), { 'b\\': '\\\\' }],
      ['$1'],
    ],
    ['with keys that are values elsewhere', mine('$1', { type: 'event_id', state_key: 'sender' }), ['$1']],
  ])('are found: %s', (_name, value, ids) => {
    expect(idsIn(value)).toEqual(ids);
  });

  test('are found with escapes in their ids, and any space between their parts', () => {
    expect(found('[ {\n"event_id" : "\\u0024a" ,\t"sender":"@\\u0061lice:test" } ]')).toMatchObject([
      { id: '$a' },
    ]);
  });

  test('are those that a parser finds, whatever else is there', () => {
    const event = fc.record({
      event_id: fc.oneof(fc.string(), fc.constant('$own')),
      sender: fc.constantFrom(alice.user, '@bob:test', '"'),
      unsigned: fc.oneof(fc.constant({}), fc.constant({ age: 1 }), fc.dictionary(fc.string(), fc.json())),
      content: fc.dictionary(fc.string(), fc.jsonValue()),
    });
    fc.assert(
      fc.property(fc.array(event), fc.constantFrom(undefined, 2), (events, indent) => {
        const own = events.filter(({ sender }) => sender === alice.user).map(({ event_id: id }) => id);
        expect(found(JSON.stringify({ chunk: events }, null, indent)).map(({ id }) => id)).toEqual(own);
      }),
    );
  });

  test.each(['', '{', '"', '{"event_id":"$1","sender":"@alice:test"', ']}]', '"\\', '{"a":"b'])(
    'in what is no JSON do no harm: %j',
    (text) => {
      expect(found(text)).toEqual([]);
    },
  );
});

const delayed: Delayed = { delayId: 'id-1', generation: 'delay-parameter' };
const stable: Delayed = { delayId: 'id-2', generation: 'delayed-events' };
const table = new Map([
  ['$1', delayed],
  ['$2', stable],
]);

async function served(body: string, options: { idsOf?: DelayIdsOf; token?: string; path?: string } = {}) {
  const { idsOf = () => Promise.resolve(table), token = 'alices', path = 'v3/sync?since=1' } = options;
  const { url } = await gatewayBefore(
    (_request, response) => void response.writeHead(200, { 'Content-Type': 'application/json' }).end(body),
    {
      delayIds: {
        idsOf,
        authenticate: (asked) => {
          if (asked === 'away') throw new AuthenticationUnavailable();
          return asked === alice.accessToken ? alice : null;
        },
      },
    },
  );
  return (
    await fetch(`${url}/_matrix/client/${path}`, { headers: { Authorization: `Bearer ${token}` } })
  ).text();
}

describe('the delay id', () => {
  const unsigned = { 'org.matrix.msc4140.delay_id': 'id-1' };

  test.each([
    ['without any', mine('$1'), mine('$1', { unsigned })],
    ['with an empty one', mine('$1', { unsigned: {} }), mine('$1', { unsigned })],
    [
      'with one',
      mine('$1', { unsigned: { age: 5 }, z: 1 }),
      mine('$1', { unsigned: { ...unsigned, age: 5 }, z: 1 }),
    ],
    [
      'of the generation that knows both names',
      mine('$2'),
      mine('$2', { unsigned: { 'org.matrix.msc4140.delay_id': 'id-2', delay_id: 'id-2' } }),
    ],
  ])('is added to the unsigned of an event %s', async (_name, event, expected) => {
    expect(JSON.parse(await served(JSON.stringify({ chunk: [event, mine('$other')] })))).toEqual({
      chunk: [expected, mine('$other')],
    });
  });

  test.each(['r0/sync', 'v3/rooms/!r/messages?dir=b', 'v3/rooms/%21r/context/$1', 'v3/rooms/!r/event/$1'])(
    'is added where events are read: %s',
    async (path) => {
      expect(await served(JSON.stringify(mine('$1')), { path })).toContain('id-1');
    },
  );

  test('is added, and not a byte changed otherwise', async () => {
    const before = '{"number": 12345678901234567890.10, "twice":1, "twice":2, "é":"\\u00e9", "chunk":[';
    const event = '{ "sender":"@alice:test","event_id":"$1", "unsigned" : { "age":1e2 }}';
    expect(await served(`${before}${event}]}`)).toBe(
      `${before}${event.replace('{ "age"', '{"org.matrix.msc4140.delay_id":"id-1", "age"')}]}`,
    );
  });

  const body = JSON.stringify({ chunk: [mine('$1')] });
  test.each([
    ['to nobody whose login is unknown', body, { token: 'stale' }],
    ['while it cannot be found out who asks', body, { token: 'away' }],
    ['while the ids cannot be found', body, { idsOf: () => Promise.reject(new Error('away')) }],
    ['elsewhere', body, { path: 'v3/search' }],
    ['above a mebibyte', JSON.stringify([mine('$1'), 'x'.repeat(1024 * 1024)]), {}],
  ])('is not added, and the answer is what it was: %s', async (_name, text, options) => {
    expect(await served(text, options)).toBe(text);
  });

  test('is asked for the own events of the answer, once', async () => {
    const asked: unknown[] = [];
    const idsOf: DelayIdsOf = (user, events) => {
      asked.push([user, events]);
      return Promise.resolve(new Map());
    };
    await served(JSON.stringify([mine('$1'), { ...mine('$2'), sender: '@bob:test' }, mine('$3')]), { idsOf });
    await served('{"chunk":[]}', { idsOf });
    expect(asked).toEqual([[alice.user, ['$1', '$3']]]);
  });
});

test('a mebibyte is looked through in steps short enough for timers', () => {
  const events = Array.from({ length: 2_000 }, (_, index) =>
    mine(`$${index}`, { type: 'm.room.message', content: { body: 'x'.repeat(350), msgtype: 'm.text' } }),
  );
  const text = Buffer.from(JSON.stringify({ chunk: events }));
  const scan = findOwnEvents(text, alice.user);
  let steps = 1;
  while (!scan.next().done) steps += 1;
  expect(steps).toBeGreaterThanOrEqual(Math.floor(text.length / (33 * 1024)));
});

test('timers run while an answer is looked through', async () => {
  let soon = 0;
  const counting = { ...timers, soon: (run: () => void) => ((soon += 1), timers.soon(run)) };
  const body = JSON.stringify({ chunk: Array.from({ length: 5_000 }, (_, index) => mine(`$${index}`)) });
  const { url } = await gatewayBefore(
    (_request, response) => void response.writeHead(200, { 'Content-Type': 'application/json' }).end(body),
    { timers: counting, delayIds: { authenticate: () => alice, idsOf: () => Promise.resolve(table) } },
  );
  const headers = { Authorization: 'Bearer alices' };
  expect(await (await fetch(`${url}/_matrix/client/v3/sync`, { headers })).text()).toContain('id-1');
  expect(soon).toBeGreaterThanOrEqual(Math.floor(body.length / (33 * 1024)));
});

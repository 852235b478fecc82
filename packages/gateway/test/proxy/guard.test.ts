import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createGuard } from '../../src/proxy/guard.ts';
import { gatewayBefore } from './proxying.ts';

const parameters = [
  'future_timeout',
  'future_group_id',
  'org.matrix.msc4140.delay',
  'io.element.msc4140.future_timeout',
];
const guard = createGuard(parameters);
const send = '/_matrix/client/v3/rooms/!r/send/m.room.message/1';

describe('a parameter that delays', () => {
  test.each([
    'future_timeout=1',
    'a=b&future_group_id',
    'FUTURE_TIMEOUT=1',
    'future%5Ftimeout=1',
    'future%255ftimeout=1',
    'org%2Ematrix%2Emsc4140%2Edelay=1',
    'org.matrix.msc4140.%64elay=%zz',
    'org.matrix.msc4140.something_new=1',
    'org_matrix_msc4140_delay=1',
    'io.element.msc3140.future_timeout=1',
    'a=1;future_timeout=2',
    '+future_timeout=1',
    '?future_timeout=1',
    'a=b?future_timeout=1',
    'a#future_timeout=1',
    'future_timeout[]=1',
    'future_timeout%5B%5D=1',
    'future_timeout%00=1',
    '%C2%A0future_timeout=1',
    'future_timeout=1&future_timeout=2',
    '%zz=1&future_timeout=%zz',
    'delay=1',
  ])('is refused however it is spelled: ?%s', (query) => {
    expect(guard(`${send}?${query}`)?.errcode).toBe('M_UNRECOGNIZED');
    expect(guard(`http://elsewhere${send}?${query}`)?.status).toBe(404);
    expect(guard(`/anything/at/all?${query}`)?.status).toBe(404);
  });

  test.each(['&future_timeout=1', '%3Ffuture_timeout=1', '%253fa&delay=1', ';org.matrix.msc4140.delay=1'])(
    'is refused where the question mark is none: %s',
    (end) => {
      expect(guard(`${send}${end}`)?.errcode).toBe('M_UNRECOGNIZED');
    },
  );

  test.each([
    '',
    'ts=1',
    'x=future_timeout',
    'future_timeouts=1',
    'timeout=30000&since=s1_2',
    'a=%zz',
    'relay=1',
  ])('is not seen where there is none: ?%s', (query) => {
    expect(guard(`${send}?${query}`)).toBeNull();
  });
});

describe("a path of the futures'", () => {
  const rooms = '/_matrix/client/v3/rooms/!r:s';

  test.each([
    '/_matrix/client/unstable/rooms/!r/send_future/t/1',
    '/_matrix/client/api/v1/rooms/!r/state_future/t',
    '/_matrix/client/api/v1/rooms/!r/send/future/1',
    '/_matrix/client/v5/futures/token',
    '/_matrix/client/unstable/org.matrix.msc4140/delayed_events/1/send',
    '/_matrix/client/unstable/io.element.new/delayed_events',
    '/_matrix/client/unstable/org.matrix.msc4140/rooms/!r/delayed_event/t/1',
    '/_matrix/client/unstable/io.element.msc4195/rtc/livekit/delegate_delayed_leave',
    `${rooms}/send_future/t/1/`,
    `${rooms}/send_fut%75re/t/1`,
    `${rooms}/send_fut%2575re/t/1`,
    `${rooms}/SEND_FUTURE/t/1`,
    `${rooms}//send_future/t/1`,
    `/${rooms}/./send_future/t/1`,
    `${rooms}/x/../send_future/t/1`,
    `${rooms}/x/%2e%2e/send_future/t/1`,
    `${rooms}%2Fsend_future/t/1`,
    `${rooms}\\send_future\\t\\1`,
    `${rooms}/send_future;a=b/t/1`,
    `${rooms}/send/future/`,
    `http://elsewhere${rooms}/send/future`,
  ])('is refused however it is spelled: %s', (path) => {
    expect(guard(path)).toMatchObject({ status: 404, errcode: 'M_UNRECOGNIZED' });
  });

  test.each([
    `${rooms}/send/m.future/1`,
    `${rooms}/send/futures/1`,
    `${rooms}/state/futures/`,
    `${rooms}/state/org.test/delayed_events`,
    `${rooms}/state/send_future/key`,
    `${rooms}/state/future_timeout/delay`,
    `${rooms}/state/t/a&b=delay`,
    '/_matrix/client/v3/user/@a:b/account_data/futures',
    '/_matrix/media/v3/download/a/futures',
    '/_matrix/client/v3/directory/room/%23msc4140:s',
    '/_matrix/client/v3/join/%23a%23msc4140:s?via=s',
    '/_matrix/client/v3/sync',
  ])('is not seen in an event or a name that is such a word: %s', (path) => {
    expect(guard(path)).toBeNull();
  });
});

test('what is percent-encoded more often than anybody would is refused, and takes no time', () => {
  const deep = `%${'25'.repeat(4_000)}66uture_timeout`;
  // Of the processor: a machine that stands still takes none of it.
  const start = process.cpuUsage();
  for (let index = 0; index < 100; index += 1) {
    expect(guard(`${send}?${deep}=1`)?.status).toBe(404);
    expect(guard(`/${deep}`)?.status).toBe(404);
  }
  expect(process.cpuUsage(start).user).toBeLessThan(1_000_000);
});

/** Every character as one of the forms in which somebody's decoder would read it. */
const spelled = (word: string) =>
  fc
    .array(fc.nat(4), { minLength: word.length, maxLength: word.length })
    .map((forms) => Array.from(word, (character, index) => spell(character, forms[index] ?? 0)).join(''));

function spell(character: string, form: number): string {
  const hex = character.charCodeAt(0).toString(16).padStart(2, '0');
  return [character, character, `%${hex}`, `%${hex.toUpperCase()}`, `%25${hex}`][form] ?? character;
}

/** What servers do: the browsers' way, and the lenient one of forms in Python. */
function decoders(query: string): string[] {
  const forms = query.split(/[&;]/).map((pair) => {
    try {
      return decodeURIComponent((pair.split('=', 1)[0] ?? '').replaceAll('+', ' '));
    } catch {
      return '';
    }
  });
  return [...new URLSearchParams(query).keys(), ...forms];
}

const delays = new Set(parameters);

test('either a request is refused, or no decoder sees a parameter that delays', () => {
  const name = fc.oneof(
    fc.constantFrom(...parameters).chain(spelled),
    fc.string({ unit: 'grapheme-ascii', maxLength: 8 }),
    fc.constantFrom('ts', 'future', '%', '%2', '=', ''),
  );
  const pair = fc.tuple(name, fc.constantFrom('=1', '', '=%zz', '==')).map((parts) => parts.join(''));
  const query = fc
    .array(fc.tuple(pair, fc.constantFrom('&', ';', '&&', '?', '&amp;')))
    .map((pairs) => pairs.flat().join(''));
  let refused = 0;
  fc.assert(
    fc.property(query, (text) => {
      const isRefused = guard(`${send}?${text}`) !== null;
      if (isRefused) refused += 1;
      expect(isRefused || !decoders(text).some((seen) => delays.has(seen))).toBe(true);
    }),
    { numRuns: 2_000 },
  );
  expect(refused).toBeGreaterThan(500);
});

test('either a request is refused, or no decoder sees a path of the futures', () => {
  const slash = fc.constantFrom('/', '//', '/./', '/x/../', '%2F', '/%2e/', '/x/%2E%2e/');
  const word = fc.constantFrom('send_future', 'state_future', 'send/future', 'delayed_event').chain(spelled);
  fc.assert(
    fc.property(word, slash, slash, (name, before, after) => {
      expect(guard(`/_matrix/client/v3/rooms/!r:s${before}${name}${after}type/1`)).not.toBeNull();
    }),
    { numRuns: 2_000 },
  );
});

test('a refused request never reaches the homeserver, whatever its method, and scripts can read why', async () => {
  const asked: unknown[] = [];
  const { url } = await gatewayBefore((request, response) => {
    asked.push(request.url);
    response.end();
  });
  for (const method of ['PUT', 'POST', 'GET', 'DELETE', 'PATCH']) {
    const body = method === 'GET' ? {} : { body: '{"a":1}' };
    for (const path of [
      `${send}?org%2Ematrix.msc4140.delay=1`,
      '/_matrix/client/r0/rooms/a//send_future/t/1',
    ]) {
      const answer = await fetch(`${url}${path}`, { method, ...body });
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([404, '*']);
      expect(await answer.json()).toMatchObject({ errcode: 'M_UNRECOGNIZED' });
    }
  }
  const livekit = '/_matrix/client/unstable/io.element.msc4195/rtc/livekit/delegate_delayed_leave';
  const delegated = await fetch(`${url}${livekit}`, {
    method: 'POST',
    headers: { Authorization: 'Bearer stale' },
  });
  expect(delegated.status).toBe(404);
  expect(await delegated.json()).toMatchObject({ errcode: 'M_UNRECOGNIZED' });
  expect(asked).toEqual([]);
});

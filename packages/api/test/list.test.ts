import { expect, test } from 'vitest';
import { encoded, serve } from './served.ts';

const features = ['io.element.msc3140', 'io.element.msc4140', 'org.matrix.msc4140'];
const paths = [
  '/v3/futures',
  '/v1/future',
  ...features.flatMap((feature) => [`/unstable/${feature}/futures`, `/unstable/${feature}/future`]),
];

test.each(paths)('GET %s is a bare array of what the caller has running, with its tokens', async (path) => {
  const served = await serve();
  const one = await served.put(
    '/v3/rooms/!room:test/send_future/m.x%2Fy/t?future_timeout=50&future_group_id=G%20%26',
    {
      a: [1],
    },
  );
  const two = await served.put('/v3/rooms/!other:test/state_future/m.s/k%2F?future_group_id=G%20%26', {
    b: 2,
  });
  await served.put('/v3/rooms/!room:test/send_future/m.x/t?future_timeout=50', {}, 'bob');
  const { status, body } = await served.request('GET', path);
  expect(status).toBe(200);
  expect(body).toEqual([
    { url: expect.any(String), body: { a: [1] }, response: one.body },
    { url: expect.any(String), body: { b: 2 }, response: two.body },
  ]);
  const room = encoded('!room:test');
  expect(body[0].url).toMatch(
    new RegExp(
      `^/_matrix/client/v3/rooms/${room}/send_future/m\\.x%2Fy/[\\w-]+\\?future_timeout=50&future_group_id=G%20%26$`,
    ),
  );
  expect(body[1].url).toBe(
    `/_matrix/client/v3/rooms/${encoded('!other:test')}/state_future/m.s/k%2F?future_group_id=G%20%26`,
  );
});

test('the url names a generated group, too, is always the same, and holds no token', async () => {
  const served = await serve();
  const { body: made } = await served.put('/v3/rooms/!room:test/send_future/m.x/t?future_timeout=50');
  const [{ url }] = (await served.request('GET', '/v3/futures')).body;
  expect(url).toContain(`future_group_id=${made.future_group_id}`);
  expect((await served.request('GET', '/v3/futures')).body[0].url).toBe(url);
  const id = url.split('/').at(-1)?.split('?')[0];
  expect((await served.use(id)).status).toBe(410);
  expect(
    (await served.request('POST', `/unstable/org.matrix.msc4140/delayed_events/${id}/send`)).status,
  ).toBe(404);
});

test('futures of every generation are in it, and their tokens work', async () => {
  const served = await serve();
  await served.put('/v3/rooms/!room:test/state/m.s/k?org.matrix.msc4140.delay=50', { c: 3 });
  const [entry] = (await served.request('GET', '/v3/futures')).body;
  expect(entry.url).toMatch(/\/state_future\/m\.s\/k\?future_timeout=50&future_group_id=.+$/);
  expect((await served.use(entry.response.refresh_token)).status).toBe(200);
  expect((await served.use(entry.response.send_token)).status).toBe(200);
  expect(served.types()).toEqual(['m.s']);
});

test('what is sent, cancelled or invalidated is not in it', async () => {
  const served = await serve();
  const put = async (path: string) =>
    (await served.put(`/v3/rooms/!room:test/${path}?future_timeout=50`)).body;
  await served.use((await put('send_future/m.x/1')).send_token);
  await served.use((await put('send_future/m.x/2')).cancel_token);
  await put('state_future/m.s/k');
  await served.put('/v3/rooms/!room:test/state/m.s/k');
  expect((await served.request('GET', '/v3/futures')).text).toBe('[]');
});

test('more than a page of them are one list', async () => {
  const served = await serve();
  for (let count = 0; count < 130; count += 1)
    await served.put(`/v3/rooms/!room:test/send_future/m.x/${count}?future_timeout=50`);
  expect((await served.request('GET', '/v3/futures')).body).toHaveLength(130);
});

test('it is for logins only', async () => {
  const served = await serve();
  expect(await served.request('GET', '/v3/futures', { as: null })).toMatchObject({
    status: 401,
    body: { errcode: 'M_MISSING_TOKEN' },
  });
  expect(await served.request('POST', '/v3/futures')).toMatchObject({
    status: 405,
    body: { errcode: 'M_UNRECOGNIZED' },
  });
});

test('with the last timeout future that new state ends, the action futures of its group run no more', async () => {
  const served = await serve();
  await served.put('/v3/rooms/!room:test/state_future/m.s/k?future_timeout=50&future_group_id=G');
  await served.put('/v3/rooms/!room:test/send_future/m.x/t?future_group_id=G');
  expect((await served.request('GET', '/v3/futures')).body).toHaveLength(2);
  await served.put('/v3/rooms/!room:test/state/m.s/k', { new: true });
  expect((await served.request('GET', '/v3/futures')).body).toEqual([]);
});

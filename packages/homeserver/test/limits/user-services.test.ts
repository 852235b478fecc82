import { expect, test } from 'vitest';
import { startServer } from '../server/server.ts';

test('typing and changes of the profile are limited by user, and go on later', async () => {
  await using server = await startServer({ rateLimits: true });
  const ann = await server.user('ann');
  const ben = await server.user('ben');
  const room = encodeURIComponent(await ann.room());
  const type = () => ann.put(`/rooms/${room}/typing/${ann.id}`, { typing: true });
  const rename = () => ann.put(`/profile/${ann.id}/displayname`, { displayname: 'x' });
  for (const [change, burst] of [
    [type, 200],
    [rename, 10],
  ] as const) {
    for (let count = 0; count < burst; count += 1) expect((await change()).status).toBe(200);
    const refused = await change();
    expect([refused.status, refused.body.errcode]).toEqual([429, 'M_LIMIT_EXCEEDED']);
    server.time.advance(refused.body.retry_after_ms);
    expect((await change()).status).toBe(200);
  }
  expect((await ben.put(`/profile/${ben.id}/displayname`, { displayname: 'x' })).status).toBe(200);
});

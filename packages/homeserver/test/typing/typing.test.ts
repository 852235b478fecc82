import { expect, test } from 'vitest';
import { expectOk, startServer, type Reply } from '../server/server.ts';

const code = ({ status, body }: Reply): string => `${status} ${body.errcode}`;
const path = encodeURIComponent;

async function together() {
  const server = await startServer();
  const ann = await server.user('ann');
  const ben = await server.user('ben');
  const room = await ann.room({ preset: 'public_chat' });
  await ben.join(room);
  let since = '';
  /** who is typing, as far as the next sync tells; null: nothing of it */
  const told = async () => {
    const body = expectOk(await ann.get(`/sync?since=${since}`));
    since = body.next_batch;
    const events = body.rooms.join[room]?.ephemeral.events ?? [];
    return events.find((event: any) => event.type === 'm.typing')?.content.user_ids ?? null;
  };
  const type = (typing: boolean, timeout?: number) =>
    ben.put(`/rooms/${path(room)}/typing/${ben.id}`, { typing, ...(timeout !== undefined && { timeout }) });
  return { server, ann, ben, room, told, type };
}

test('typing is told once when it begins and once when it ends, however often it is said', async () => {
  const { server, ben, told, type } = await together();
  await using _ = server;
  expect(await told()).toBeNull();
  expectOk(await type(true));
  expect(await told()).toEqual([ben.id]);
  expectOk(await type(true));
  expect(await told()).toBeNull();
  expectOk(await type(false));
  expect(await told()).toEqual([]);
  expectOk(await type(false));
  expect(await told()).toBeNull();
});

test('typing ends by itself, counted from the last time it was said', async () => {
  const { server, ben, told, type } = await together();
  await using _ = server;
  expectOk(await type(true, 5_000));
  server.time.advance(4_000);
  expectOk(await type(true, 5_000));
  server.time.advance(4_999);
  expect(await told()).toEqual([ben.id]);
  server.time.advance(1);
  expect(await told()).toEqual([]);
});

test('who leaves the room has stopped typing', async () => {
  const { server, ben, room, told, type } = await together();
  await using _ = server;
  expectOk(await type(true));
  expect(await told()).toEqual([ben.id]);
  expectOk(await ben.put(`/profile/${ben.id}/displayname`, { displayname: 'Ben' }));
  expect(await told()).toBeNull();
  expectOk(await ben.post(`/rooms/${path(room)}/leave`));
  expect(await told()).toEqual([]);
});

test('nobody types for ever', async () => {
  const { server, ben, told, type } = await together();
  await using _ = server;
  expectOk(await type(true, 1e15));
  expect(await told()).toEqual([ben.id]);
  server.time.advance(120_000);
  expect(await told()).toEqual([]);
});

test('one types for oneself, in rooms one is in', async () => {
  const { server, ann, ben, room } = await together();
  await using _ = server;
  const other = await ann.room();
  expect(code(await ann.put(`/rooms/${path(room)}/typing/${ben.id}`, { typing: true }))).toBe(
    '403 M_FORBIDDEN',
  );
  expect(code(await ben.put(`/rooms/${path(other)}/typing/${ben.id}`, { typing: true }))).toBe(
    '403 M_FORBIDDEN',
  );
  expect(code(await ben.put(`/rooms/${path(room)}/typing/${ben.id}`, {}))).toBe('400 M_MISSING_PARAM');
  expect(code(await ben.put(`/rooms/${path(room)}/typing/${ben.id}`, { typing: true, timeout: -1 }))).toBe(
    '400 M_BAD_JSON',
  );
});

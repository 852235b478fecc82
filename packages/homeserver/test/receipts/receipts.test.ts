import { expect, test } from 'vitest';
import { expectOk, startServer, type Reply, type User } from '../server/server.ts';

const code = ({ status, body }: Reply): string => `${status} ${body.errcode}`;
const path = encodeURIComponent;

async function together() {
  const server = await startServer();
  const ann = await server.user('ann');
  const ben = await server.user('ben');
  const room = await ann.room({ preset: 'public_chat' });
  await ben.join(room);
  const events = [
    await ann.say(room, 'one'),
    await ann.say(room, 'two'),
    await ann.say(room, 'three'),
  ] as const;
  return { server, ann, ben, room, events };
}

async function receipts(user: User, room: string, since?: string): Promise<any[]> {
  const body = expectOk(await user.get(`/sync${since === undefined ? '' : `?since=${since}`}`));
  return (body.rooms.join[room]?.ephemeral.events ?? []).filter((event: any) => event.type === 'm.receipt');
}

test('a receipt is told with its time and its thread; one that is private, to its user alone', async () => {
  const { server, ann, ben, room, events } = await together();
  await using _ = server;
  const ts = server.time.wall();
  expectOk(await ben.post(`/rooms/${path(room)}/receipt/m.read/${path(events[0])}`));
  expectOk(
    await ben.post(`/rooms/${path(room)}/receipt/m.read.private/${path(events[1])}`, { thread_id: 'main' }),
  );
  const open = { [events[0]]: { 'm.read': { [ben.id]: { ts } } } };
  const hidden = { [events[1]]: { 'm.read.private': { [ben.id]: { ts, thread_id: 'main' } } } };
  expect(await receipts(ann, room)).toEqual([{ type: 'm.receipt', content: open }]);
  expect((await receipts(ben, room)).map((event) => event.content)).toEqual([open, hidden]);
});

test('receipts of several threads on one event are all told', async () => {
  const { server, ann, ben, room, events } = await together();
  await using _ = server;
  for (const body of [{}, { thread_id: 'main' }, { thread_id: events[0] }]) {
    expectOk(await ben.post(`/rooms/${path(room)}/receipt/m.read/${path(events[2])}`, body));
  }
  const threads = (await receipts(ann, room)).map(
    (event) => event.content[events[2]]['m.read'][ben.id].thread_id,
  );
  expect(threads).toEqual([undefined, 'main', events[0]]);
});

test('a receipt moves forwards only', async () => {
  const { server, ann, ben, room, events } = await together();
  await using _ = server;
  expectOk(await ben.post(`/rooms/${path(room)}/receipt/m.read/${path(events[1])}`));
  const { next_batch: since } = expectOk(await ann.get('/sync'));
  expectOk(await ben.post(`/rooms/${path(room)}/receipt/m.read/${path(events[0])}`));
  expect(await receipts(ann, room, since)).toEqual([]);
});

test('read markers set all three at once, and m.fully_read moves forwards only', async () => {
  const { server, ben, room, events } = await together();
  await using _ = server;
  const marker = async () =>
    expectOk(await ben.get(`/user/${ben.id}/rooms/${path(room)}/account_data/m.fully_read`)).event_id;
  const body = { 'm.fully_read': events[1], 'm.read': events[1], 'm.read.private': events[2] };
  expectOk(await ben.post(`/rooms/${path(room)}/read_markers`, body));
  expect(Object.keys((await receipts(ben, room))[0].content)).toEqual([events[1], events[2]]);
  expect(await marker()).toBe(events[1]);
  expectOk(await ben.post(`/rooms/${path(room)}/receipt/m.fully_read/${path(events[0])}`));
  expect(await marker()).toBe(events[1]);
  expectOk(await ben.post(`/rooms/${path(room)}/receipt/m.fully_read/${path(events[2])}`));
  expect(await marker()).toBe(events[2]);
});

test('what no receipt can be is refused', async () => {
  const { server, ann, ben, room, events } = await together();
  await using _ = server;
  const other = await ann.room();
  const post = async (user: User, to: string, type: string, event: string, body: object = {}) =>
    code(await user.post(`/rooms/${path(to)}/receipt/${type}/${path(event)}`, body));
  expect(await post(ben, room, 'm.seen', events[0])).toBe('400 M_INVALID_PARAM');
  expect(await post(ben, room, 'm.read', events[0], { thread_id: '' })).toBe('400 M_BAD_JSON');
  expect(await post(ben, room, 'm.read', events[0], { thread_id: 'x' })).toBe('400 M_INVALID_PARAM');
  expect(await post(ben, room, 'm.fully_read', events[0], { thread_id: 'main' })).toBe('400 M_INVALID_PARAM');
  expect(await post(ben, room, 'm.read', '$unknown')).toBe('404 M_NOT_FOUND');
  expect(await post(ben, other, 'm.read', events[0])).toBe('403 M_FORBIDDEN');
  expect(await post(ann, other, 'm.read', events[0])).toBe('404 M_NOT_FOUND');
});

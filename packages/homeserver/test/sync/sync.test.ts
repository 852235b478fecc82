import { describe, expect, test } from 'vitest';
import { openDatabase } from '@matrix-futures/sqlite';
import { expectOk, startServer, type User } from '../server/server.ts';
import { manualTime } from '../server/manual-clock.ts';

const path = encodeURIComponent;

async function sync(
  user: User,
  parameters: { since?: string; filter?: object | string; [name: string]: unknown } = {},
) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    query.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value));
  }
  return expectOk(await user.get(`/sync?${query}`));
}

async function together(options: object = {}) {
  const server = await startServer();
  const ann = await server.user('ann', 'secret');
  const ben = await server.user('ben');
  const room = await ann.room({ preset: 'public_chat', ...options });
  return { server, ann, ben, room };
}

const texts = (section: any): unknown[] =>
  section.timeline.events
    .filter((event: any) => event.type === 'm.room.message')
    .map((event: any) => event.content.body);
const stateOf = (events: any[]): string[] =>
  events.map((event) => `${event.type} ${event.state_key}`).toSorted();

describe('the timeline', () => {
  test('of a gap begins where paging back from prev_batch ends: nothing twice, nothing missing', async () => {
    const { server, ann, room } = await together();
    await using _ = server;
    const { next_batch: since } = await sync(ann);
    const sent: string[] = [];
    for (let index = 0; index < 25; index += 1) sent.push(await ann.say(room, `${index}`));
    const { timeline } = (await sync(ann, { since })).rooms.join[room];
    expect(timeline.limited).toBe(true);
    const told = timeline.events.map((event: any) => event.event_id);
    expect(told).toEqual(sent.slice(-10));
    const url = `/rooms/${path(room)}/messages?dir=b&from=${timeline.prev_batch}&to=${since}&limit=100`;
    const { chunk } = expectOk(await ann.get(url));
    expect([...chunk.map((event: any) => event.event_id).toReversed(), ...told]).toEqual(sent);
  });

  test('that fits is not limited', async () => {
    const { server, ann, room } = await together();
    await using _ = server;
    const { next_batch: since } = await sync(ann);
    for (let index = 0; index < 10; index += 1) await ann.say(room, `${index}`);
    const { timeline } = (await sync(ann, { since })).rooms.join[room];
    expect([timeline.limited, timeline.events.length]).toEqual([false, 10]);
  });

  test('shows the transaction id to the device that sent, to no other', async () => {
    const { server, ann, ben, room } = await together();
    await using _ = server;
    await ben.join(room);
    const laptop = await server.login('ann', 'secret', 'LAPTOP');
    await ann.put(`/rooms/${path(room)}/send/m.room.message/once`, { msgtype: 'm.text', body: 'x' });
    const idFor = async (user: User) =>
      (await sync(user)).rooms.join[room].timeline.events.at(-1).unsigned.transaction_id;
    expect([await idFor(ann), await idFor(laptop), await idFor(ben)]).toEqual(['once', undefined, undefined]);
  });

  test('shows how old an event is, what state it replaced, and why it was redacted', async () => {
    const { server, ann, room } = await together();
    await using _ = server;
    const topic = (text: string) => ann.put(`/rooms/${path(room)}/state/m.room.topic/`, { topic: text });
    const { event_id: first } = expectOk(await topic('one'));
    await topic('two');
    const message = await ann.say(room, 'a mistake');
    await ann.put(`/rooms/${path(room)}/redact/${path(message)}/1`, { reason: 'sorry' });
    server.time.advance(5_000);
    const { events } = (await sync(ann)).rooms.join[room].timeline;
    const changed = events.find((event: any) => event.content.topic === 'two');
    expect(changed.unsigned).toMatchObject({
      age: 5_000,
      replaces_state: first,
      prev_content: { topic: 'one' },
    });
    const redacted = events.find((event: any) => event.event_id === message);
    expect(redacted.content).toEqual({});
    expect(redacted.unsigned.redacted_because).toMatchObject({
      content: { reason: 'sorry' },
      sender: ann.id,
    });
  });

  test('that a filter empties of a long history ends, and says that there is more', async () => {
    const { server, ann, room } = await together();
    await using _ = server;
    await ann.put(`/rooms/${path(room)}/send/org.example.rare/1`, {});
    for (let index = 0; index < 1_200; index += 1) await ann.say(room, `${index}`);
    const filter = { room: { timeline: { types: ['org.example.rare'] } } };
    const { timeline } = (await sync(ann, { filter })).rooms.join[room];
    expect([timeline.limited, timeline.events]).toEqual([true, []]);
    const url = `/rooms/${path(room)}/messages?dir=b&from=${timeline.prev_batch}&limit=1000`;
    expect(expectOk(await ann.get(url)).chunk.some((event: any) => event.type === 'org.example.rare')).toBe(
      true,
    );
  });
});

describe('a filter', () => {
  test('chooses types, senders and rooms, by id as spelled out', async () => {
    const { server, ann, ben, room } = await together();
    await using _ = server;
    await ben.join(room);
    await ann.say(room, "Ann's");
    await ben.say(room, "Ben's");
    const other = await ann.room();
    const filter = { room: { rooms: [room], timeline: { types: ['m.room.mess*'], not_senders: [ben.id] } } };
    const { filter_id: id } = expectOk(await ann.post(`/user/${ann.id}/filter`, filter));
    for (const named of [filter, id]) {
      const { join } = (await sync(ann, { filter: named })).rooms;
      expect(texts(join[room])).toEqual(["Ann's"]);
      expect(join[other]).toBeUndefined();
    }
    expect(expectOk(await ann.get(`/user/${ann.id}/filter/${id}`))).toEqual(filter);
    expect(expectOk(await ann.post(`/user/${ann.id}/filter`, filter)).filter_id).toBe(id);
  });

  test("is nobody else's, and must be one", async () => {
    const { server, ann, ben } = await together();
    await using _ = server;
    const { filter_id: id } = expectOk(await ann.post(`/user/${ann.id}/filter`, {}));
    const codes = [
      await ben.get(`/user/${ann.id}/filter/${id}`),
      await ben.post(`/user/${ann.id}/filter`, {}),
      await ben.get(`/user/${ben.id}/filter/${id}`),
      await ben.get(`/sync?filter=${id}`),
      await ben.get('/sync?filter={"room":1}'),
      await ben.get('/sync?filter={'),
      await ben.post(`/user/${ben.id}/filter`, { room: { timeline: { limit: 'x' } } }),
    ].map(({ status, body }) => `${status} ${body.errcode}`);
    expect(codes).toEqual([
      '403 M_FORBIDDEN',
      '403 M_FORBIDDEN',
      '404 M_NOT_FOUND',
      '400 M_INVALID_PARAM',
      '400 M_INVALID_PARAM',
      '400 M_INVALID_PARAM',
      '400 M_BAD_JSON',
    ]);
  });

  test('that loads members lazily gets those who spoke, itself and the heroes, and the changed ones of a gap', async () => {
    const { server, ann, room } = await together({ name: 'With a name, so without heroes' });
    await using _ = server;
    const others = await Promise.all(['ben1', 'cid', 'dan', 'eve'].map((name) => server.user(name)));
    for (const user of others) await user.join(room);
    const [ben, cid] = others;
    for (let index = 0; index < 5; index += 1) await ben?.say(room, `${index}`);
    const filter = { room: { timeline: { limit: 3 }, state: { lazy_load_members: true } } };
    const members = (section: any) =>
      stateOf(section.state.events).filter((key) => key.startsWith('m.room.member'));
    const first = await sync(ann, { filter });
    expect(members(first.rooms.join[room])).toEqual([`m.room.member ${ann.id}`, `m.room.member ${ben?.id}`]);
    await cid?.put(`/profile/${cid.id}/displayname`, { displayname: 'Cid' });
    for (let index = 0; index < 5; index += 1) await ben?.say(room, `${index}`);
    const gap = await sync(ann, { filter, since: first.next_batch });
    expect(members(gap.rooms.join[room])).toEqual([`m.room.member ${ben?.id}`, `m.room.member ${cid?.id}`]);
  });
});

describe('state', () => {
  test('covers what changed up to the start of the timeline, or up to its end where the client asks for that', async () => {
    const { server, ann, room } = await together();
    await using _ = server;
    const { next_batch: since } = await sync(ann);
    const set = (type: string, content: object) => ann.put(`/rooms/${path(room)}/state/${type}/`, content);
    await set('m.room.topic', { topic: 'in the gap' });
    await set('m.room.name', { name: 'first' });
    for (let index = 0; index < 9; index += 1) await ann.say(room, `${index}`);
    await set('m.room.name', { name: 'second' });
    const before = (await sync(ann, { since })).rooms.join[room];
    expect(before.state.events.map((event: any) => event.content)).toEqual([
      { topic: 'in the gap' },
      { name: 'first' },
    ]);
    for (const [parameter, field] of [
      ['use_state_after', 'state_after'],
      ['org.matrix.msc4222.use_state_after', 'org.matrix.msc4222.state_after'],
    ] as const) {
      const after = (await sync(ann, { since, [parameter]: true })).rooms.join[room];
      expect(after[field].events.map((event: any) => event.content)).toEqual([
        { topic: 'in the gap' },
        { name: 'second' },
      ]);
      expect(after.state).toBeUndefined();
    }
  });

  test('is told whole, and at once, to who asks for full_state', async () => {
    const { server, ann, room } = await together();
    await using _ = server;
    const { next_batch: since } = await sync(ann);
    const { join } = (await sync(ann, { since, full_state: true, timeout: 30_000 })).rooms;
    const all = expectOk(await ann.get(`/rooms/${path(room)}/state`));
    expect(stateOf(join[room].state.events)).toEqual(stateOf(all));
    expect(join[room].timeline.events).toEqual([]);
  });

  test('and the latest messages are told whole of a room that is newly joined, with the gap marked', async () => {
    const { server, ann, ben, room } = await together();
    await using _ = server;
    const { next_batch: since } = await sync(ben);
    await ann.say(room, 'before');
    await ben.join(room);
    const { join } = (await sync(ben, { since, 'org.matrix.msc4222.use_state_after': true })).rooms;
    const all = expectOk(await ben.get(`/rooms/${path(room)}/state`));
    expect(stateOf(join[room]['org.matrix.msc4222.state_after'].events)).toEqual(stateOf(all));
    expect(texts(join[room])).toEqual(['before']);
    expect(join[room].timeline.limited).toBe(true);
  });

  test('of a user who left and came back within a gap is told anew', async () => {
    const { server, ann, ben, room } = await together();
    await using _ = server;
    await ben.join(room);
    const { next_batch: since } = await sync(ben);
    await ben.post(`/rooms/${path(room)}/leave`);
    await ann.put(`/rooms/${path(room)}/state/m.room.topic/`, { topic: 'while away' });
    await ben.join(room);
    const { join, leave } = (await sync(ben, { since, use_state_after: true })).rooms;
    expect(join[room].state_after.events.length).toBeGreaterThan(5);
    expect(leave[room]).toBeUndefined();
  });
});

describe('who may see what', () => {
  test('where history is for members, who joins sees nothing of before', async () => {
    const visibility = {
      type: 'm.room.history_visibility',
      state_key: '',
      content: { history_visibility: 'joined' },
    };
    const { server, ann, ben, room } = await together({ initial_state: [visibility] });
    await using _ = server;
    await ann.say(room, 'among ourselves');
    await ben.join(room);
    await ann.say(room, 'welcome');
    expect(texts((await sync(ben)).rooms.join[room])).toEqual(['welcome']);
  });

  test('who left sees up to the leave, and the state of then', async () => {
    const { server, ann, ben, room } = await together();
    await using _ = server;
    await ben.join(room);
    const { next_batch: since } = await sync(ben);
    await ann.say(room, 'seen');
    await ben.post(`/rooms/${path(room)}/leave`);
    await ann.say(room, 'unseen');
    await ann.put(`/rooms/${path(room)}/state/m.room.topic/`, { topic: 'unseen' });
    const { leave } = (await sync(ben, { since })).rooms;
    expect(texts(leave[room])).toEqual(['seen']);
    const filter = { room: { include_leave: true } };
    const later = (await sync(ben, { filter, use_state_after: true })).rooms.leave[room];
    expect(texts(later)).toEqual(['seen']);
    expect(stateOf(later.state_after.events)).not.toContain('m.room.topic ');
    expect((await sync(ben)).rooms.leave).toEqual({});
  });

  test('who is outside learns nothing by what is done to their membership there: the state stays that of the leave', async () => {
    const { server, ann, ben, room } = await together();
    await using _ = server;
    await ben.join(room);
    await ben.post(`/rooms/${path(room)}/leave`);
    const { next_batch: since } = await sync(ben);
    await ann.put(`/rooms/${path(room)}/state/m.room.topic/`, { topic: 'unseen' });
    for (const action of ['ban', 'unban'])
      await ann.post(`/rooms/${path(room)}/${action}`, { user_id: ben.id });
    const filter = { room: { include_leave: true } };
    for (const field of ['state', 'state_after']) {
      const asked = { filter, use_state_after: field === 'state_after' };
      const whole = (await sync(ben, asked)).rooms.leave[room];
      expect(stateOf(whole[field].events)).not.toContain('m.room.topic ');
      expect(whole.timeline.events.at(-1).content.membership).toBe('leave');
      const news = (await sync(ben, { ...asked, since })).rooms.leave[room];
      expect(news.timeline.events.map((event: any) => event.state_key)).toEqual([ben.id]);
      expect(stateOf(news[field].events)).toEqual(field === 'state' ? [] : [`m.room.member ${ben.id}`]);
    }
  });

  test('an invite shows the room from outside, and is gone when it was declined or taken back', async () => {
    const { server, ann, ben, room } = await together({ name: 'Tea', topic: 'shown' });
    await using _ = server;
    const invite = () => ann.post(`/rooms/${path(room)}/invite`, { user_id: ben.id });
    await ann.say(room, 'not for outsiders');
    await invite();
    const first = await sync(ben);
    const shown = first.rooms.invite[room].invite_state.events;
    expect(stateOf(shown)).toEqual([
      'm.room.create ',
      'm.room.join_rules ',
      `m.room.member ${ben.id}`,
      'm.room.name ',
      'm.room.topic ',
    ]);
    for (const event of shown)
      expect(Object.keys(event).toSorted()).toEqual(['content', 'sender', 'state_key', 'type']);
    await ben.post(`/rooms/${path(room)}/leave`);
    const declined = await sync(ben, { since: first.next_batch });
    expect(declined.rooms.leave[room].timeline.events.map((event: any) => event.content.membership)).toEqual([
      'leave',
    ]);
    expect(declined.rooms.leave[room].state.events).toEqual([]);

    await invite();
    const second = await sync(ben, { since: declined.next_batch });
    expect(Object.keys(second.rooms.invite)).toEqual([room]);
    await ann.post(`/rooms/${path(room)}/kick`, { user_id: ben.id });
    const retracted = await sync(ben, { since: second.next_batch });
    expect(retracted.rooms.invite).toEqual({});
    expect(retracted.rooms.leave[room].timeline.events).toHaveLength(1);
  });
});

describe('the summary', () => {
  test('counts members and names the first five others, until the room has a name', async () => {
    const { server, ann, room } = await together();
    await using _ = server;
    const others = await Promise.all(['b1', 'b2', 'b3', 'b4', 'b5', 'b6'].map((name) => server.user(name)));
    for (const user of others) await user.join(room);
    const guest = await server.user('guest');
    await ann.post(`/rooms/${path(room)}/invite`, { user_id: guest.id });
    const first = await sync(ann);
    expect(first.rooms.join[room].summary).toEqual({
      'm.heroes': others.slice(0, 5).map((user) => user.id),
      'm.joined_member_count': 7,
      'm.invited_member_count': 1,
    });
    await ann.say(room, 'x');
    const second = await sync(ann, { since: first.next_batch });
    expect(second.rooms.join[room].summary).toEqual({});
    await ann.put(`/rooms/${path(room)}/state/m.room.name/`, { name: 'Tea' });
    const third = await sync(ann, { since: second.next_batch });
    expect(third.rooms.join[room].summary).toEqual({
      'm.joined_member_count': 7,
      'm.invited_member_count': 1,
    });
  });
});

describe('unread counts', () => {
  const counts = async (user: User, room: string, byThread = true) => {
    const filter = { room: { timeline: { unread_thread_notifications: byThread } } };
    const section = (await sync(user, { filter })).rooms.join[room];
    const { notification_count: all, highlight_count: highlights } = section.unread_notifications;
    return { all, highlights, threads: section.unread_thread_notifications };
  };

  test('follow messages, mentions, receipts, own messages and redactions', async () => {
    const { server, ann, ben, room } = await together();
    await using _ = server;
    await ben.join(room);
    expect(await counts(ben, room)).toEqual({ all: 0, highlights: 0, threads: {} });
    const first = await ann.say(room, 'one');
    const second = await ann.say(room, `two for ${ben.id}`);
    const third = await ann.say(room, 'three for ben');
    expect(await counts(ben, room)).toEqual({ all: 3, highlights: 2, threads: {} });
    await ann.put(`/rooms/${path(room)}/redact/${path(second)}/1`);
    expect(await counts(ben, room)).toMatchObject({ all: 2, highlights: 1 });
    await ben.post(`/rooms/${path(room)}/receipt/m.read.private/${path(first)}`);
    expect(await counts(ben, room)).toMatchObject({ all: 1, highlights: 1 });
    await ben.post(`/rooms/${path(room)}/receipt/m.read/${path(third)}`);
    expect(await counts(ben, room)).toMatchObject({ all: 0, highlights: 0 });
    await ann.say(room, 'four');
    await ben.say(room, 'an answer');
    expect(await counts(ben, room)).toMatchObject({ all: 0 });
    expect(await counts(ann, room)).toMatchObject({ all: 1 });
  });

  test('are kept by thread, each with its own receipt', async () => {
    const { server, ann, ben, room } = await together();
    await using _ = server;
    await ben.join(room);
    const root = await ann.say(room, 'root');
    const relation = { rel_type: 'm.thread', event_id: root };
    const content = { msgtype: 'm.text', body: 'in it', 'm.relates_to': relation };
    const { event_id: inThread } = expectOk(
      await ann.put(`/rooms/${path(room)}/send/m.room.message/t`, content),
    );
    const edit = {
      msgtype: 'm.text',
      body: 'reply',
      'm.relates_to': { rel_type: 'org.example', event_id: inThread },
    };
    const { event_id: last } = expectOk(await ann.put(`/rooms/${path(room)}/send/m.room.message/u`, edit));
    expect(await counts(ben, room)).toEqual({
      all: 1,
      highlights: 0,
      threads: { [root]: { notification_count: 2, highlight_count: 0 } },
    });
    expect(await counts(ben, room, false)).toEqual({ all: 3, highlights: 0, threads: undefined });
    await ben.post(`/rooms/${path(room)}/receipt/m.read/${path(last)}`, { thread_id: 'main' });
    expect(await counts(ben, room)).toMatchObject({ all: 0, threads: { [root]: { notification_count: 2 } } });
    await ben.post(`/rooms/${path(room)}/receipt/m.read/${path(inThread)}`, { thread_id: root });
    expect(await counts(ben, room)).toMatchObject({ threads: { [root]: { notification_count: 1 } } });
    await ben.post(`/rooms/${path(room)}/receipt/m.read/${path(last)}`);
    expect(await counts(ben, room)).toEqual({ all: 0, highlights: 0, threads: {} });
  });

  test('are the same when they are counted anew after a restart', async () => {
    const time = manualTime();
    const database = openDatabase({ path: ':memory:', timers: time });
    const first = await startServer({ database });
    const ann = await first.user('ann');
    const ben = await first.user('ben', 'secret');
    const room = await ann.room({ preset: 'public_chat' });
    await ben.join(room);
    const read = await ann.say(room, 'one');
    for (let index = 0; index < 5; index += 1) await ann.say(room, `more for ben ${index}`);
    await ben.post(`/rooms/${path(room)}/receipt/m.read/${path(read)}`);
    const before = await counts(ben, room);
    expect(before).toMatchObject({ all: 5, highlights: 5 });
    const { next_batch: since } = await sync(ben);
    await first[Symbol.asyncDispose]();

    await using second = await startServer({ database });
    const again = await second.login('ben', 'secret');
    expect(await counts(again, room)).toEqual(before);
    const silence = await sync(again, { since });
    expect(silence.rooms.join).toEqual({});
    await again.say(room, 'back');
    const { join } = (await sync(again, { since: silence.next_batch })).rooms;
    expect(texts(join[room])).toEqual(['back']);
    database.close();
  });
});

describe('a token', () => {
  test.each(['', 'x', 's', 's-1', 's1.5', 's1_2', 's9999999999999999'])(
    'that is none: "%s"',
    async (since) => {
      const { server, ann } = await together();
      await using _ = server;
      const { status, body } = await ann.get(`/sync?since=${since}`);
      // An empty one is what a client sends that has none.
      expect([status, body.errcode]).toEqual(since === '' ? [200, undefined] : [400, 'M_INVALID_PARAM']);
    },
  );

  test('from the future, as clients have them after a backup was restored, begins anew', async () => {
    const { server, ann, room } = await together();
    await using _ = server;
    const body = await sync(ann, { since: 's999999', timeout: 30_000 });
    expect(
      body.rooms.join[room].state.events.length + body.rooms.join[room].timeline.events.length,
    ).toBeGreaterThan(5);
  });
});

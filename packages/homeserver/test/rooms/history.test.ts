import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startServer, type TestServer, type User } from '../server/server.ts';

let server: TestServer;
let alice: User;
let bob: User;
let room: string;
beforeEach(async () => {
  server = await startServer();
  alice = await server.user('alice');
  bob = await server.user('bob');
  room = await alice.room({ preset: 'public_chat' });
});
afterEach(() => server[Symbol.asyncDispose]());

interface Event {
  readonly type: string;
  readonly event_id: string;
  readonly content: { readonly body?: string };
  readonly state_key?: string;
}
const at = (path: string) => `/rooms/${encodeURIComponent(room)}${path}`;
const texts = (events: Event[]) => events.flatMap(({ content }) => content.body ?? []);
const json = (filter: object) => encodeURIComponent(JSON.stringify(filter));
async function sayAll(count: number): Promise<string[]> {
  const ids = [];
  for (let n = 1; n <= count; n += 1) ids.push(await alice.say(room, `${n}`));
  return ids;
}

describe('messages', () => {
  test('backwards, page by page, are all events once, newest first, and then no token', async () => {
    await sayAll(7);
    const all = (await alice.get(at('/messages?dir=b&limit=1000'))).body;
    expect(texts(all.chunk)).toEqual(['7', '6', '5', '4', '3', '2', '1']);
    expect(all).not.toHaveProperty('end');
    const paged: Event[] = [];
    let from = '';
    for (;;) {
      const page = (await alice.get(at(`/messages?dir=b&limit=3${from}`))).body;
      expect(page.chunk.length).toBeLessThanOrEqual(3);
      paged.push(...page.chunk);
      if (page.end === undefined) break;
      from = `&from=${page.end}`;
    }
    expect(paged).toEqual(all.chunk);
  });

  test('forwards are the same events the other way round', async () => {
    await sayAll(5);
    const backwards = (await alice.get(at('/messages?dir=b&limit=1000'))).body.chunk;
    const first = (await alice.get(at('/messages?dir=f&limit=4'))).body;
    const rest = (await alice.get(at(`/messages?dir=f&limit=1000&from=${first.end}`))).body;
    expect([...first.chunk, ...rest.chunk]).toEqual(backwards.toReversed());
  });

  test('from one token to another are what lies between, in both directions', async () => {
    await alice.say(room, 'before');
    const { start: early } = (await alice.get(at('/messages?dir=b&limit=1'))).body;
    await sayAll(2);
    const { start: late } = (await alice.get(at('/messages?dir=b&limit=1'))).body;
    await alice.say(room, 'after');
    const forwards = (await alice.get(at(`/messages?dir=f&from=${early}&to=${late}`))).body.chunk;
    expect(texts(forwards)).toEqual(['1', '2']);
    const backwards = (await alice.get(at(`/messages?dir=b&from=${late}&to=${early}`))).body.chunk;
    expect(texts(backwards)).toEqual(['2', '1']);
  });

  test('are counted after the filter, and say where to go on when nothing passed', async () => {
    await alice.put(at('/send/m.rare/1'), {});
    await sayAll(120);
    const found = (await alice.get(at(`/messages?dir=b&limit=1&filter=${json({ types: ['m.rare'] })}`))).body;
    expect(found.chunk.map((event: Event) => event.type)).toEqual(['m.rare']);
    const none = (await alice.get(at(`/messages?dir=b&filter=${json({ types: ['m.none'] })}`))).body;
    expect(none).toEqual({ start: expect.any(String), chunk: [] });
  });

  test('with lazy loading come with their senders, and no other members', async () => {
    await bob.join(room);
    await alice.say(room, 'hi');
    const filter = json({ lazy_load_members: true, types: ['m.room.message'] });
    const { state } = (await alice.get(at(`/messages?dir=b&filter=${filter}`))).body;
    expect(state.map((event: Event) => event.state_key)).toEqual([alice.id]);
  });

  test.each([
    ['dir=x', 'M_INVALID_PARAM'],
    ['', 'M_MISSING_PARAM'],
    ['dir=b&from=x', 'M_INVALID_PARAM'],
    ['dir=b&to=s01', 'M_INVALID_PARAM'],
    ['dir=b&limit=-1', 'M_INVALID_PARAM'],
    ['dir=b&limit=x', 'M_INVALID_PARAM'],
    ['dir=b&filter=x', 'M_INVALID_PARAM'],
    ['dir=b&filter=%7B%22types%22%3A1%7D', 'M_INVALID_PARAM'],
  ])('asked with "%s" are 400', async (query, errcode) => {
    expect(await alice.get(at(`/messages?${query}`))).toMatchObject({ status: 400, body: { errcode } });
  });

  test('are 403 for who was never in the room, an invite notwithstanding', async () => {
    expect((await bob.get(at('/messages?dir=b'))).status).toBe(403);
    await alice.post(at('/invite'), { user_id: bob.id });
    expect((await bob.get(at('/messages?dir=b'))).status).toBe(403);
  });
});

describe('context', () => {
  test('is the events on both sides, the state at the end of them, and tokens that go on', async () => {
    const ids = await sayAll(9);
    const context = (await alice.get(at(`/context/${ids[4]}?limit=4`))).body;
    expect(context.event.event_id).toBe(ids[4]);
    expect(texts(context.events_before)).toEqual(['4', '3']);
    expect(texts(context.events_after)).toEqual(['6', '7']);
    expect(context.state.map((event: Event) => event.type)).toContain('m.room.create');
    const before = (await alice.get(at(`/messages?dir=b&limit=1&from=${context.start}`))).body.chunk;
    expect(texts(before)).toEqual(['2']);
    const after = (await alice.get(at(`/messages?dir=f&limit=1&from=${context.end}`))).body.chunk;
    expect(texts(after)).toEqual(['8']);
  });

  test('has the state as it was then', async () => {
    await alice.put(at('/state/m.room.topic'), { topic: 'then' });
    const event = await alice.say(room, 'x');
    await alice.put(at('/state/m.room.topic'), { topic: 'now' });
    const { state } = (await alice.get(at(`/context/${event}?limit=1`))).body;
    const topic = state.find(({ type }: Event) => type === 'm.room.topic');
    expect(topic.content).toEqual({ topic: 'now' });
    const { state: then } = (await alice.get(at(`/context/${event}?limit=0`))).body;
    expect(then.find(({ type }: Event) => type === 'm.room.topic').content).toEqual({ topic: 'then' });
  });

  test('of an event that is not there, or not shown, is 404', async () => {
    const event = await alice.say(room, 'x');
    expect((await alice.get(at('/context/$nothing'))).body.errcode).toBe('M_NOT_FOUND');
    expect((await bob.get(at(`/context/${event}`))).body.errcode).toBe('M_NOT_FOUND');
    expect((await bob.get(at(`/event/${event}`))).body.errcode).toBe('M_NOT_FOUND');
  });
});

describe('what is visible is judged at each event', () => {
  const visible = async (user: User) =>
    texts((await user.get(at('/messages?dir=b&limit=1000'))).body.chunk).toReversed();
  const setVisibility = async (history_visibility: string) => {
    await alice.put(at('/state/m.room.history_visibility'), { history_visibility });
  };

  test('shared: also what was said before one came; not what was said after one left', async () => {
    await alice.say(room, 'before');
    await bob.join(room);
    await alice.say(room, 'during');
    await bob.post(at('/leave'));
    const late = await alice.say(room, 'after');
    expect(await visible(bob)).toEqual(['before', 'during']);
    expect((await bob.get(at(`/event/${late}`))).status).toBe(404);
  });

  test('joined: only what was said while one was in', async () => {
    await setVisibility('joined');
    await alice.say(room, 'before');
    await bob.join(room);
    await alice.say(room, 'during');
    await bob.post(at('/leave'));
    await alice.say(room, 'between');
    await bob.join(room);
    await alice.say(room, 'again');
    expect(await visible(bob)).toEqual(['during', 'again']);
  });

  test('invited: from the invite on', async () => {
    await setVisibility('invited');
    await alice.say(room, 'before');
    await alice.post(at('/invite'), { user_id: bob.id });
    const invited = await alice.say(room, 'invited');
    await bob.join(room);
    await alice.say(room, 'joined');
    expect(await visible(bob)).toEqual(['invited', 'joined']);
    expect((await bob.get(at(`/event/${invited}`))).status).toBe(200);
  });

  test('world readable: for everybody, as long as it was so', async () => {
    await alice.say(room, 'before');
    await setVisibility('world_readable');
    const open = await alice.say(room, 'open');
    expect(await visible(bob)).toEqual(['open']);
    await setVisibility('shared');
    await alice.say(room, 'closed');
    expect((await bob.get(at(`/event/${open}`))).status).toBe(200);
    expect((await bob.get(at('/messages?dir=b'))).status).toBe(403);
  });

  test("one's own leave and kick are seen, what follows is not", async () => {
    await bob.join(room);
    await alice.post(at('/kick'), { user_id: bob.id });
    const chunk = (await bob.get(at('/messages?dir=b&limit=1'))).body.chunk;
    expect(chunk[0]).toMatchObject({ type: 'm.room.member', content: { membership: 'leave' } });
  });
});

import { describe, expect, test } from 'vitest';
import { expectOk, startServer, type Reply, type User } from '../server/server.ts';

const path = encodeURIComponent;

async function together() {
  const server = await startServer();
  const ann = await server.user('ann');
  const ben = await server.user('ben');
  const room = await ann.room({ preset: 'public_chat' });
  await ben.join(room);
  return { server, ann, ben, room };
}

async function token(user: User): Promise<string> {
  return expectOk(await user.get('/sync')).next_batch;
}

/** A poll, and whether it was answered. */
function poll(user: User, since: string, timeout = 30_000) {
  const state = { answered: false };
  const answer = user.get(`/sync?since=${since}&timeout=${timeout}`).then((reply: Reply) => {
    state.answered = true;
    return expectOk(reply);
  });
  return { state, answer };
}

/** Lets everything run that does not wait for time: some turns of the event loop, each with a commit. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('a poll with nothing to tell', () => {
  test('waits as long as the client asks, and then tells the next token', async () => {
    const { server, ben } = await together();
    await using _ = server;
    const since = await token(ben);
    const { state, answer } = poll(ben, since, 5_000);
    await settle();
    server.time.advance(4_999);
    await settle();
    expect(state.answered).toBe(false);
    server.time.advance(1);
    const body = await answer;
    expect(body.rooms.join).toEqual({});
    expect(body.next_batch).toBe(since);
  });

  test('waits two minutes at most', async () => {
    const { server, ben } = await together();
    await using _ = server;
    const { answer } = poll(ben, await token(ben), 1e12);
    await settle();
    server.time.advance(120_000);
    await answer;
  });

  test('is answered at once when the server is about to stop, and so are later ones', async () => {
    const { server, ben } = await together();
    await using _ = server;
    const since = await token(ben);
    const { answer } = poll(ben, since);
    await settle();
    server.homeserver.endPolls();
    await answer;
    await poll(ben, since).answer;
  });

  test.each(['-1', '1.5', 'abc', '1e30'])('refuses a time-out of %s', async (timeout) => {
    const { server, ben } = await together();
    await using _ = server;
    const reply = await ben.get(`/sync?timeout=${timeout}`);
    expect([reply.status, reply.body.errcode]).toEqual([400, 'M_INVALID_PARAM']);
  });
});

describe('a waiting poll is woken', () => {
  type World = Awaited<ReturnType<typeof together>>;
  const causes: Record<string, (world: World) => Promise<unknown>> = {
    'a message': ({ ann, room }) => ann.say(room, 'hello'),
    state: ({ ann, room }) => ann.put(`/rooms/${path(room)}/state/m.room.topic/`, { topic: 'x' }),
    typing: ({ ann, room }) => ann.put(`/rooms/${path(room)}/typing/${ann.id}`, { typing: true }),
    'an invite': async ({ ann, ben }) => ann.room({ invite: [ben.id] }),
    'being kicked': ({ ann, ben, room }) => ann.post(`/rooms/${path(room)}/kick`, { user_id: ben.id }),
    "one's own account data": ({ ben }) => ben.put(`/user/${ben.id}/account_data/org.example`, { a: 1 }),
    "one's own push rules": ({ ben }) => ben.put('/pushrules/global/sender/@x:test', { actions: [] }),
    "another's receipt": async ({ ann, room }) => {
      const event = await ann.say(room, 'x');
      return ann.post(`/rooms/${path(room)}/receipt/m.read/${path(event)}`);
    },
    "another's name": ({ ann }) => ann.put(`/profile/${ann.id}/displayname`, { displayname: 'Ann' }),
  };
  test.each(Object.entries(causes))('by %s', async (_name, cause) => {
    const world = await together();
    await using _ = world.server;
    const { answer } = poll(world.ben, await token(world.ben));
    await settle();
    await cause(world);
    const body = await answer;
    const rooms = { ...body.rooms.join, ...body.rooms.invite, ...body.rooms.leave };
    expect(Object.keys(rooms).length + body.account_data.events.length).toBe(1);
  });

  const silences: Record<string, (world: World) => Promise<unknown>> = {
    "another's private receipt": async ({ ann, ben, room }) => {
      const { timeline } = expectOk(await ben.get('/sync')).rooms.join[room];
      const event = timeline.events.at(-1).event_id;
      return expectOk(await ann.post(`/rooms/${path(room)}/receipt/m.read.private/${path(event)}`));
    },
    "another's account data": ({ ann }) => ann.put(`/user/${ann.id}/account_data/org.example`, { a: 1 }),
    'what happens in rooms of others': async ({ ann }) => ann.say(await ann.room(), 'x'),
  };
  test.each(Object.entries(silences))('but not answered for %s', async (_name, cause) => {
    const world = await together();
    await using _ = world.server;
    const { state, answer } = poll(world.ben, await token(world.ben));
    await settle();
    await cause(world);
    await settle();
    expect(state.answered).toBe(false);
    world.server.time.advance(30_000);
    await answer;
  });
});

test(
  'no wake-up is lost: a poll that races with a message always has it, though no time passes',
  { timeout: 60_000 },
  async () => {
    const { server, ann, ben, room } = await together();
    await using _ = server;
    let since = await token(ben);
    for (let round = 0; round < 300; round += 1) {
      const sendsFirst = round % 2 === 0;
      const sending = sendsFirst ? ann.say(room, `${round}`) : null;
      // The message is sent some turns of the event loop before, while, or after the poll registers and reads.
      for (let turn = 0; turn < round % 7; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      const { answer } = poll(ben, since);
      for (let turn = 0; turn < round % 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      const sent = await (sending ?? ann.say(room, `${round}`));
      const body = await answer;
      expect(body.rooms.join[room].timeline.events.map((event: any) => event.event_id)).toEqual([sent]);
      since = body.next_batch;
    }
  },
);

test('several polls of one user are all answered', async () => {
  const { server, ann, ben, room } = await together();
  await using _ = server;
  const since = await token(ben);
  const polls = Array.from({ length: 5 }, () => poll(ben, since));
  await settle();
  await ann.say(room, 'hello');
  for (const { answer } of polls) expect((await answer).rooms.join[room].timeline.events).toHaveLength(1);
});

test('a client that hangs up leaves nothing behind: the server can stop at once', async () => {
  const { server, ben } = await together();
  await using _ = server;
  const { host, port } = await server.http.listen('127.0.0.1', 0);
  const hangUp = new AbortController();
  const url = `http://${host}:${port}/_matrix/client/v3/sync?since=${await token(ben)}&timeout=30000`;
  const request = fetch(url, { headers: { authorization: `Bearer ${ben.token}` }, signal: hangUp.signal });
  await new Promise((resolve) => setTimeout(resolve, 50));
  hangUp.abort();
  await expect(request).rejects.toThrow('aborted');
  await server.http.close();
});

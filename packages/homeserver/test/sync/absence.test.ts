import { describe, expect, test } from 'vitest';
import { manualTime } from '../server/manual-clock.ts';
import { expectOk, startServer, type User } from '../server/server.ts';
import { syncClient, type Manner, type SyncClient } from './sync-client.ts';

const path = encodeURIComponent;
const eager: Manner = { stateField: 'state', lazyMembers: false, limit: 2 };
const manners: Manner[] = (['state', 'state_after'] as const).flatMap((stateField) => [
  { stateField, lazyMembers: false, limit: 2 },
  { stateField, lazyMembers: true, limit: 2 },
]);

async function together(options: object = {}) {
  const server = await startServer();
  const [ann, ben, cid] = [await server.user('ann'), await server.user('ben'), await server.user('cid')];
  const room = await ann.room({ preset: 'public_chat', ...options });
  await ben.join(room);
  await cid.join(room);
  return { server, ann, ben, cid, room };
}

const act = async (user: User, action: string, room: string, body: object = {}) =>
  void expectOk(await user.post(`/rooms/${path(room)}/${action}`, body));
const setTopic = async (user: User, room: string, topic: string) =>
  void expectOk(await user.put(`/rooms/${path(room)}/state/m.room.topic/`, { topic }));

/** Whatever the client knows of the room is what a first sync tells; who loads members eagerly knows all of that. */
async function requireTruth({ user, manner, view }: SyncClient, room: string): Promise<void> {
  const first = syncClient(user, { stateField: 'state_after', lazyMembers: false, limit: 1_000 });
  await first.sync();
  const truth = first.view.rooms.get(room);
  const known = view.rooms.get(room);
  if (truth === undefined || known === undefined) throw new Error(`${user.id} was not told of the room`);
  expect(known.membership).toBe(truth.membership);
  const mayBeMissing = (key: string) => manner.lazyMembers && key.startsWith('m.room.member ');
  const entries = [...truth.state].filter(([key]) => !mayBeMissing(key) || known.state.has(key));
  expect(Object.fromEntries(known.state)).toEqual(Object.fromEntries(entries));
}

describe.each(manners)(
  'a client that knows a room from an earlier stay ($stateField, lazy: $lazyMembers)',
  (manner) => {
    test('and was told of the leave later learns what changed between the two when it comes back', async () => {
      const { server, ann, ben, cid, room } = await together();
      await using _ = server;
      const client = syncClient(ben, manner);
      await cid.say(room, 'here I am');
      await client.sync();
      await act(ben, 'leave', room);
      await act(cid, 'leave', room);
      await setTopic(ann, room, 'meanwhile');
      await client.sync();
      await ben.join(room);
      for (let index = 0; index < 3; index += 1) await ann.say(room, `${index}`);
      await client.sync();
      await requireTruth(client, room);
    });

    test('learns the same when it came back and left again before it asked', async () => {
      const { server, ann, ben, cid, room } = await together();
      await using _ = server;
      const client = syncClient(ben, manner);
      await cid.say(room, 'here I am');
      await client.sync();
      await act(ben, 'leave', room);
      await act(cid, 'leave', room);
      await client.sync();
      await ben.join(room);
      await ann.say(room, 'welcome');
      await act(ben, 'leave', room);
      await client.sync();
      await requireTruth(client, room);
    });

    test('is told all of its stay when it has forgotten the room before it asked', async () => {
      const { server, ann, ben, room } = await together();
      await using _ = server;
      const client = syncClient(ben, { ...manner, limit: 5 });
      await client.sync();
      const said = await ann.say(room, 'seen');
      await act(ben, 'leave', room);
      await act(ben, 'forget', room);
      await client.sync();
      expect(client.view.rooms.get(room)?.timeline.at(-2)).toBe(said);
    });

    test('was invited again when it asked, and declines, learns what changed before it left', async () => {
      const { server, ann, ben, room } = await together();
      await using _ = server;
      const client = syncClient(ben, manner);
      await client.sync();
      await setTopic(ann, room, 'before the leave');
      await act(ben, 'leave', room);
      await act(ann, 'invite', room, { user_id: ben.id });
      await client.sync();
      expect(client.view.invites.has(room)).toBe(true);
      await act(ben, 'leave', room);
      await client.sync();
      await requireTruth(client, room);
    });

    test('was invited again when it asked, and accepts, learns what changed before it left', async () => {
      const { server, ann, ben, cid, room } = await together();
      await using _ = server;
      const client = syncClient(ben, manner);
      await cid.say(room, 'here I am');
      await client.sync();
      await act(cid, 'leave', room);
      await act(ben, 'leave', room);
      await act(ann, 'invite', room, { user_id: ben.id });
      await client.sync();
      await ben.join(room);
      for (let index = 0; index < 3; index += 1) await ann.say(room, `${index}`);
      await client.sync();
      await requireTruth(client, room);
    });

    test('had knocked when it asked, and is refused, learns what changed before it left', async () => {
      const { server, ann, ben, room } = await together();
      await using _ = server;
      const client = syncClient(ben, manner);
      await client.sync();
      expectOk(await ann.put(`/rooms/${path(room)}/state/m.room.join_rules/`, { join_rule: 'knock' }));
      await act(ben, 'leave', room);
      const knock = { membership: 'knock' };
      expectOk(await ben.put(`/rooms/${path(room)}/state/m.room.member/${path(ben.id)}`, knock));
      await client.sync();
      await act(ann, 'kick', room, { user_id: ben.id });
      await client.sync();
      await requireTruth(client, room);
    });
  },
);

test('who comes to a room for the first time is told of no members but those it needs to know', async () => {
  const { server, ann, ben, room } = await together();
  await using _ = server;
  const dan = await server.user('dan');
  const client = syncClient(dan, { stateField: 'state_after', lazyMembers: true, limit: 1 });
  await client.sync();
  await setTopic(ann, room, 'a name: no heroes');
  expectOk(await ann.put(`/rooms/${path(room)}/state/m.room.name/`, { name: 'Tea' }));
  await act(ben, 'leave', room);
  await dan.join(room);
  await client.sync();
  const members = [...(client.view.rooms.get(room)?.state.keys() ?? [])].filter((key) =>
    key.startsWith('m.room.member '),
  );
  expect(members).toEqual([`m.room.member ${dan.id}`]);
});

test.each(['state', 'state_after'] as const)(
  'what becomes of a membership outside is no part of a timeline whose filter leaves members out (%s)',
  async (stateField) => {
    const { server, ann, ben, room } = await together();
    await using _ = server;
    const client = syncClient(ben, { stateField, lazyMembers: false, limit: 5, types: ['m.room.message'] });
    await client.sync();
    const said = await ann.say(room, 'seen');
    await act(ben, 'leave', room);
    await act(ann, 'ban', room, { user_id: ben.id });
    await client.sync();
    expect(client.view.rooms.get(room)?.timeline.at(-1)).toBe(said);
    await requireTruth(client, room);
  },
);

describe('an invite by somebody who is ignored', () => {
  const everybodyInvites = { power_level_content_override: { invite: 0 } };
  const ignore = async (user: User, whom: User) =>
    void expectOk(
      await user.put(`/user/${user.id}/account_data/m.ignored_user_list`, {
        ignored_users: { [whom.id]: {} },
      }),
    );

  test('hides neither that the user left nor what changed before', async () => {
    const { server, ann, ben, cid, room } = await together(everybodyInvites);
    await using _ = server;
    await ignore(ben, cid);
    const client = syncClient(ben, eager);
    await client.sync();
    await setTopic(ann, room, 'before the leave');
    await act(ben, 'leave', room);
    await act(cid, 'invite', room, { user_id: ben.id });
    await client.sync();
    expect([client.view.invites.size, client.view.rooms.get(room)?.membership]).toEqual([0, 'leave']);
    await requireTruth(client, room);
  });

  test('does not hide the invite of somebody else before it', async () => {
    const { server, ann, cid, room } = await together(everybodyInvites);
    await using _ = server;
    const dan = await server.user('dan');
    await ignore(dan, cid);
    const client = syncClient(dan, eager);
    await client.sync();
    await act(ann, 'invite', room, { user_id: dan.id });
    await act(cid, 'invite', room, { user_id: dan.id });
    await client.sync();
    expect(client.view.invites.has(room)).toBe(true);
  });
});

test('of a room that is joined again while the answer is being read, the answer tells the leave and what led to it', async () => {
  const time = manualTime();
  let onPause: (() => Promise<unknown>) | null = null;
  // Whoever asks for the time finds that 5 ms have passed: an answer pauses after every room.
  const clock = { now: () => (time.advance(5), time.now()), wall: time.wall };
  const timers = {
    after: time.after,
    soon: (run: () => void) => time.soon(() => void (onPause ?? (async () => {}))().then(run)),
  };
  await using server = await startServer({ clock, timers });
  const [ann, ben] = [await server.user('ann'), await server.user('ben')];
  const rooms = [await ann.room({ preset: 'public_chat' }), await ann.room({ preset: 'public_chat' })];
  for (const room of rooms) await ben.join(room);
  const client = syncClient(ben, eager);
  await client.sync();
  const topics = new Map<string, string>();
  for (const room of rooms) {
    const url = `/rooms/${path(room)}/state/m.room.topic/`;
    topics.set(room, expectOk(await ann.put(url, { topic: 'before the leave' })).event_id);
    await act(ben, 'leave', room);
  }
  let pauses = 0;
  onPause = async () => {
    pauses += 1;
    onPause = null;
    for (const room of rooms) await ben.join(room);
  };
  await client.sync();
  expect(pauses).toBe(1);
  for (const [room, topic] of topics) {
    const known = client.view.rooms.get(room);
    expect([known?.membership, known?.state.get('m.room.topic ')]).toEqual(['leave', topic]);
  }
});

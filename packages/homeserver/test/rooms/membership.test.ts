import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectOk, startServer, type TestServer, type User } from '../server/server.ts';

let server: TestServer;
let alice: User;
let bob: User;
let room: string;
let heard: string[];
beforeEach(async () => {
  server = await startServer();
  alice = await server.user('alice');
  bob = await server.user('bob');
  room = await alice.room();
  heard = [];
  server.homeserver.onNewState(({ type, key }) => heard.push(`${type} ${key}`));
});
afterEach(() => server[Symbol.asyncDispose]());

const at = (path: string, of = room) => `/rooms/${encodeURIComponent(of)}${path}`;
const memberPath = (user: User) => at(`/state/m.room.member/${encodeURIComponent(user.id)}`);
const membership = async (user: User) => (await alice.get(memberPath(user))).body.membership;
const joinedRooms = async (user: User) => (await user.get('/joined_rooms')).body.joined_rooms;

describe('joining', () => {
  test('a room by invitation needs the invite', async () => {
    expect(await bob.post(`/join/${encodeURIComponent(room)}`)).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN' },
    });
    expectOk(await alice.post(at('/invite'), { user_id: bob.id, reason: 'come' }));
    expect((await alice.get(memberPath(bob))).body).toMatchObject({ membership: 'invite', reason: 'come' });
    expect(expectOk(await bob.post(at('/join'))).room_id).toBe(room);
    expect(await membership(bob)).toBe('join');
    expect(await joinedRooms(bob)).toEqual([room]);
  });

  test('twice changes nothing', async () => {
    heard = [];
    expectOk(await alice.post(`/join/${encodeURIComponent(room)}`));
    expect(heard).toEqual([]);
  });

  test('needs no body at all', async () => {
    await alice.post(at('/invite'), { user_id: bob.id });
    const path = `/_matrix/client/v3/join/${encodeURIComponent(room)}`;
    expect((await server.call('POST', path, { token: bob.token })).status).toBe(200);
  });

  test('a room that does not exist, or an alias, is 404; what is neither is 400', async () => {
    expect((await bob.post('/join/!nowhere')).body.errcode).toBe('M_NOT_FOUND');
    expect((await bob.post(`/join/${encodeURIComponent('#a:test')}`)).body.errcode).toBe('M_NOT_FOUND');
    expect((await bob.post('/join/nowhere')).body.errcode).toBe('M_INVALID_PARAM');
  });
});

describe('inviting', () => {
  test('who is in already, or of another server, is refused', async () => {
    expect((await alice.post(at('/invite'), { user_id: alice.id })).status).toBe(403);
    expect((await alice.post(at('/invite'), { user_id: '@x:elsewhere' })).status).toBe(403);
    expect((await alice.post(at('/invite'), { user_id: 'x' })).body.errcode).toBe('M_INVALID_PARAM');
    expect((await alice.post(at('/invite'), {})).body.errcode).toBe('M_MISSING_PARAM');
  });

  test('by who is not in the room is refused', async () => {
    expect((await bob.post(at('/invite'), { user_id: bob.id })).status).toBe(403);
  });
});

describe('leaving', () => {
  test('declines an invite, and twice is once', async () => {
    await alice.post(at('/invite'), { user_id: bob.id });
    heard = [];
    expectOk(await bob.post(at('/leave')));
    expectOk(await bob.post(at('/leave')));
    expect(await membership(bob)).toBe('leave');
    expect(heard).toEqual([`m.room.member ${bob.id}`]);
  });

  test('a room one never had to do with is 403', async () => {
    expect((await bob.post(at('/leave'))).status).toBe(403);
  });
});

describe('moderation', () => {
  beforeEach(async () => {
    await alice.post(at('/invite'), { user_id: bob.id });
    await bob.join(room);
  });

  test('a kick removes, and the kicked may not do the same', async () => {
    expect((await bob.post(at('/kick'), { user_id: alice.id })).status).toBe(403);
    expectOk(await alice.post(at('/kick'), { user_id: bob.id, reason: 'enough' }));
    expect((await alice.get(memberPath(bob))).body).toEqual({ membership: 'leave', reason: 'enough' });
    expect((await alice.post(at('/kick'), { user_id: bob.id })).status).toBe(403);
  });

  test('a ban holds against invites and joins until it is lifted', async () => {
    expectOk(await alice.post(at('/ban'), { user_id: bob.id }));
    expect(await membership(bob)).toBe('ban');
    expect((await alice.post(at('/invite'), { user_id: bob.id })).status).toBe(403);
    expect((await bob.post(at('/join'))).status).toBe(403);
    expect((await bob.post(at('/leave'))).status).toBe(403);
    expect((await alice.post(at('/kick'), { user_id: bob.id })).status).toBe(403);
    expectOk(await alice.post(at('/unban'), { user_id: bob.id }));
    expect(await membership(bob)).toBe('leave');
    expect((await alice.post(at('/unban'), { user_id: bob.id })).status).toBe(403);
    expectOk(await alice.post(at('/invite'), { user_id: bob.id }));
    await bob.join(room);
  });

  test('by who is not in the room is 403, whatever the target', async () => {
    const carol = await server.user('carol');
    for (const measure of ['kick', 'ban', 'unban']) {
      expect((await carol.post(at(`/${measure}`), { user_id: bob.id })).status).toBe(403);
    }
  });
});

describe('membership by PUT state', () => {
  test('invites, joins, kicks, bans and leaves as the endpoints do', async () => {
    expectOk(await alice.put(memberPath(bob), { membership: 'invite' }));
    expectOk(await bob.put(memberPath(bob), { membership: 'join', displayname: 'Bob' }));
    expect(await joinedRooms(bob)).toEqual([room]);
    expectOk(await alice.put(memberPath(bob), { membership: 'leave' }));
    expect(await joinedRooms(bob)).toEqual([]);
    expectOk(await alice.put(memberPath(bob), { membership: 'ban' }));
    expect((await bob.put(memberPath(bob), { membership: 'join' })).status).toBe(403);
    expect((await alice.put(memberPath(bob), { membership: 'else' })).status).toBe(403);
    expect((await alice.put(memberPath(bob), {})).status).toBe(403);
  });
});

describe('forgetting', () => {
  test('needs leaving first, takes the room out of sight, and joining brings it back', async () => {
    await alice.post(at('/invite'), { user_id: bob.id });
    await bob.join(room);
    expect((await bob.post(at('/forget'))).status).toBe(400);
    await bob.post(at('/leave'));
    expect((await bob.get(at('/messages?dir=b'))).status).toBe(200);
    expectOk(await bob.post(at('/forget')));
    expect((await bob.get(at('/messages?dir=b'))).status).toBe(403);
    expect((await bob.get(at('/state'))).status).toBe(403);
    await alice.post(at('/invite'), { user_id: bob.id });
    await bob.join(room);
    expect((await bob.get(at('/messages?dir=b'))).status).toBe(200);
  });

  test('a room one never had to do with is 403', async () => {
    expect((await bob.post(at('/forget'))).status).toBe(403);
  });
});

describe('the lists of members', () => {
  beforeEach(async () => {
    await alice.post(at('/invite'), { user_id: bob.id });
  });
  const ids = (body: { chunk: { state_key: string }[] }) => body.chunk.map((event) => event.state_key).sort();

  test('filter by membership', async () => {
    expect(ids((await alice.get(at('/members'))).body)).toEqual([alice.id, bob.id]);
    expect(ids((await alice.get(at('/members?membership=invite'))).body)).toEqual([bob.id]);
    expect(ids((await alice.get(at('/members?not_membership=invite'))).body)).toEqual([alice.id]);
    expect((await alice.get(at('/members?membership=king'))).body.errcode).toBe('M_INVALID_PARAM');
  });

  test('answer for a moment in the past', async () => {
    const { start } = (await alice.get(at('/messages?dir=b&limit=1'))).body;
    await bob.join(room);
    const then = (await alice.get(at(`/members?at=${start}`))).body.chunk;
    expect(then.find((event: { state_key: string }) => event.state_key === bob.id).content.membership).toBe(
      'invite',
    );
    expect((await alice.get(at('/members?at=t1-2'))).body.errcode).toBe('M_INVALID_PARAM');
  });

  test('joined_members is for who is in, and has who is in', async () => {
    expect((await bob.get(at('/joined_members'))).status).toBe(403);
    await bob.join(room);
    await bob.put(memberPath(bob), { membership: 'join', displayname: 'Bob', avatar_url: 'mxc://test/b' });
    expect((await bob.get(at('/joined_members'))).body.joined).toEqual({
      [alice.id]: {},
      [bob.id]: { display_name: 'Bob', avatar_url: 'mxc://test/b' },
    });
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectOk, startServer, type TestServer, type User } from '../server/server.ts';

let server: TestServer;
let alice: User;
let bob: User;
let heard: string[];
beforeEach(async () => {
  server = await startServer();
  alice = await server.user('alice');
  bob = await server.user('bob');
  heard = [];
  server.homeserver.onNewState(({ type, key }) => heard.push(key === '' ? type : `${type} ${key}`));
});
afterEach(() => server[Symbol.asyncDispose]());

const at = (room: string, path: string) => `/rooms/${encodeURIComponent(room)}${path}`;
const content = async (room: string, type: string, key = '') =>
  expectOk(await alice.get(at(room, `/state/${type}/${encodeURIComponent(key)}`)));
const rows = () => server.database.connection.prepare('SELECT count(*) AS rows FROM event, room').get();

describe('a new room', () => {
  test('has its first events in the order of the specification, all told to who listens', async () => {
    await alice.room({
      name: 'N',
      topic: 'T',
      invite: [bob.id],
      initial_state: [{ type: 'm.x', content: {} }],
    });
    expect(heard).toEqual([
      'm.room.create',
      `m.room.member ${alice.id}`,
      'm.room.power_levels',
      'm.room.join_rules',
      'm.room.history_visibility',
      'm.room.guest_access',
      'm.x',
      'm.room.name',
      'm.room.topic',
      `m.room.member ${bob.id}`,
    ]);
  });

  test.each([
    [{}, 'invite', 'can_join', 0],
    [{ preset: 'private_chat' }, 'invite', 'can_join', 0],
    [{ preset: 'trusted_private_chat' }, 'invite', 'can_join', 0],
    [{ preset: 'public_chat' }, 'public', 'forbidden', 50],
    [{ visibility: 'public' }, 'public', 'forbidden', 50],
    [{ visibility: 'public', preset: 'private_chat' }, 'invite', 'can_join', 0],
  ])('by %j has the rules of its preset', async (request, joinRule, guests, invite) => {
    const room = await alice.room(request);
    expect(await content(room, 'm.room.join_rules')).toEqual({ join_rule: joinRule });
    expect(await content(room, 'm.room.guest_access')).toEqual({ guest_access: guests });
    expect(await content(room, 'm.room.history_visibility')).toEqual({ history_visibility: 'shared' });
    expect(await content(room, 'm.room.power_levels')).toMatchObject({ invite });
  });

  test('takes an override of the power levels member by member, each of them whole', async () => {
    const before = await content(await alice.room(), 'm.room.power_levels');
    const override = { events: { 'org.matrix.msc3401.call.member': 0 }, events_default: 7, custom: { a: 1 } };
    const room = await alice.room({ power_level_content_override: override });
    expect(await content(room, 'm.room.power_levels')).toEqual({ ...before, ...override });
  });

  test('takes initial state in place of what the preset says', async () => {
    const room = await alice.room({
      initial_state: [
        { type: 'm.room.join_rules', content: { join_rule: 'public' } },
        { type: 'm.room.power_levels', state_key: '', content: { state_default: 3 } },
        { type: 'm.thing', state_key: 'k', content: { a: 1 } },
      ],
    });
    expect(await content(room, 'm.room.join_rules')).toEqual({ join_rule: 'public' });
    expect(await content(room, 'm.room.power_levels')).toEqual({ state_default: 3 });
    expect(await content(room, 'm.thing', 'k')).toEqual({ a: 1 });
    expect(heard.filter((type) => type === 'm.room.join_rules')).toHaveLength(1);
  });

  test('marks the invites of a direct chat', async () => {
    const room = await alice.room({ is_direct: true, invite: [bob.id] });
    expect(await content(room, 'm.room.member', bob.id)).toEqual({ membership: 'invite', is_direct: true });
  });

  test('keeps what the creation content says, but for the version', async () => {
    const room = await alice.room({
      creation_content: { type: 'm.space', room_version: '1', 'm.federate': false },
    });
    const create = await content(room, 'm.room.create');
    expect(create).toEqual({ type: 'm.space', room_version: '12', 'm.federate': false });
  });
});

describe('the version of a room', () => {
  test.each(['10', '11'])('%s has an id of the server, and its creator at level 100', async (version) => {
    const room = await alice.room({
      room_version: version,
      preset: 'trusted_private_chat',
      invite: [bob.id],
    });
    expect(room).toMatch(/^![A-Za-z0-9_-]{24}:test$/);
    expect((await content(room, 'm.room.create')).room_version).toBe(version);
    expect((await content(room, 'm.room.power_levels')).users).toEqual({ [alice.id]: 100, [bob.id]: 100 });
    expect((await content(room, 'm.room.create')).creator).toBe(version === '10' ? alice.id : undefined);
  });

  test('12 takes its id from the create event, and has creators instead of levels', async () => {
    const room = await alice.room({
      preset: 'trusted_private_chat',
      invite: [bob.id],
      creation_content: { additional_creators: ['@carol:test'] },
    });
    const create = (await alice.get(at(room, '/state/m.room.create?format=event'))).body;
    expect(room).toBe(`!${create.event_id.slice(1)}`);
    expect(create.content.additional_creators).toEqual(['@carol:test', bob.id]);
    expect((await content(room, 'm.room.power_levels')).users).toEqual({});
  });

  test('is 12 unless somebody says otherwise, and the server may', async () => {
    expect((await content(await alice.room(), 'm.room.create')).room_version).toBe('12');
    await using other = await startServer({ defaultRoomVersion: '10' });
    const carol = await other.user('carol');
    const create = await carol.get(at(await carol.room(), '/state/m.room.create'));
    expect(create.body.room_version).toBe('10');
  });

  test('nobody knows is refused', async () => {
    expect(await alice.post('/createRoom', { room_version: '99' })).toMatchObject({
      status: 400,
      body: { errcode: 'M_UNSUPPORTED_ROOM_VERSION' },
    });
  });
});

describe('refused, and nothing of the room is left,', () => {
  test.each([
    ['an alias', { room_alias_name: 'a' }, 'M_INVALID_PARAM'],
    ['an invite by e-mail', { invite_3pid: [{}] }, 'M_INVALID_PARAM'],
    ['an invite of no user', { invite: ['bob'] }, 'M_INVALID_PARAM'],
    ['an invite to another server', { invite: ['@bob:elsewhere'] }, 'M_FORBIDDEN'],
    ['an unknown preset', { preset: 'x' }, 'M_BAD_JSON'],
    [
      'power levels that lock the creator out',
      { room_version: '10', name: 'N', power_level_content_override: { users: {}, state_default: 100 } },
      'M_INVALID_ROOM_STATE',
    ],
    [
      'power levels that list a creator',
      { power_level_content_override: { users: { '@alice:test': 100 } } },
      'M_INVALID_ROOM_STATE',
    ],
    [
      'creators that are no users',
      { creation_content: { additional_creators: ['x'] } },
      'M_INVALID_ROOM_STATE',
    ],
    ['a fraction in the state', { initial_state: [{ type: 'm.x', content: { a: 0.5 } }] }, 'M_BAD_JSON'],
    ['a topic that cannot fit', { topic: 'x'.repeat(70_000) }, 'M_TOO_LARGE'],
    ['the invite of the creator', { invite: ['@alice:test'] }, 'M_INVALID_ROOM_STATE'],
  ])('is %s', async (_what, request, errcode) => {
    const before = rows();
    const answer = await alice.post('/createRoom', request);
    expect(answer.body).toMatchObject({ errcode });
    expect(answer.status).toBeLessThan(500);
    expect(rows()).toEqual(before);
    expect((await alice.get('/joined_rooms')).body.joined_rooms).toEqual([]);
  });
});

test('two rooms made by one user in one millisecond are two rooms', async () => {
  const [one, other] = await Promise.all([alice.room(), alice.room()]);
  expect(one).not.toBe(other);
});

import { expect, test } from 'vitest';
import { expectOk, startServer, type Reply } from '../server/server.ts';

const code = ({ status, body }: Reply): string => `${status} ${body.errcode}`;

test('a name and an avatar are shown to everybody, in every room the user is in and in those they join later', async () => {
  await using server = await startServer();
  const ann = await server.user('ann');
  const rooms = [await ann.room(), await ann.room(), await ann.room({ preset: 'public_chat' })];
  const left = rooms[1] ?? '';
  await ann.post(`/rooms/${encodeURIComponent(left)}/leave`);
  expectOk(await ann.put(`/profile/${ann.id}/displayname`, { displayname: 'Ann' }));
  expectOk(await ann.put(`/profile/${ann.id}/avatar_url`, { avatar_url: 'mxc://test/ann' }));
  rooms.push(await ann.room());
  for (const room of rooms.filter((id) => id !== left)) {
    const member = await ann.get(`/rooms/${encodeURIComponent(room)}/state/m.room.member/${ann.id}`);
    expect(member.body).toMatchObject({
      membership: 'join',
      displayname: 'Ann',
      avatar_url: 'mxc://test/ann',
    });
  }
  const profile = await server.call('GET', `/_matrix/client/v3/profile/${ann.id}`);
  expect(profile.body).toEqual({ displayname: 'Ann', avatar_url: 'mxc://test/ann' });
  expect(expectOk(await ann.get(`/profile/${ann.id}/displayname`))).toEqual({ displayname: 'Ann' });
});

test('a name is cleared by an empty one and by DELETE', async () => {
  await using server = await startServer();
  const ann = await server.user('ann');
  const room = await ann.room();
  const path = `/profile/${ann.id}/displayname`;
  for (const clear of [() => ann.put(path, { displayname: '' }), () => ann.delete(path)]) {
    expectOk(await ann.put(path, { displayname: 'Ann' }));
    expectOk(await clear());
    expect(code(await ann.get(path))).toBe('404 M_NOT_FOUND');
    const member = await ann.get(`/rooms/${encodeURIComponent(room)}/state/m.room.member/${ann.id}`);
    expect(member.body).toEqual({ membership: 'join' });
  }
});

test('the same name again makes no new events', async () => {
  await using server = await startServer();
  const ann = await server.user('ann');
  await ann.room();
  expectOk(await ann.put(`/profile/${ann.id}/displayname`, { displayname: 'Ann' }));
  const { next_batch: since } = expectOk(await ann.get('/sync'));
  expectOk(await ann.put(`/profile/${ann.id}/displayname`, { displayname: 'Ann' }));
  expect(expectOk(await ann.get(`/sync?since=${since}`)).rooms.join).toEqual({});
});

test('fields of other names are kept and stay out of rooms', async () => {
  await using server = await startServer();
  const ann = await server.user('ann');
  const room = await ann.room();
  expectOk(await ann.put(`/profile/${ann.id}/org.example.pronouns`, { 'org.example.pronouns': ['she'] }));
  expect(expectOk(await ann.get(`/profile/${ann.id}`))).toEqual({ 'org.example.pronouns': ['she'] });
  const member = await ann.get(`/rooms/${encodeURIComponent(room)}/state/m.room.member/${ann.id}`);
  expect(member.body).toEqual({ membership: 'join' });
});

test('what no profile can have is refused', async () => {
  await using server = await startServer();
  const ann = await server.user('ann');
  const ben = await server.user('ben');
  const put = async (field: string, value: unknown) =>
    code(await ann.put(`/profile/${ann.id}/${field}`, { [field]: value }));
  expect(await put('displayname', 1)).toBe('400 M_INVALID_PARAM');
  expect(await put('displayname', 'x'.repeat(257))).toBe('400 M_INVALID_PARAM');
  expect(await put('avatar_url', 'https://example.org/x.png')).toBe('400 M_INVALID_PARAM');
  expect(await put('Nickname', 'x')).toBe('400 M_INVALID_PARAM');
  expect(await put(`a.${'x'.repeat(255)}`, 'x')).toBe('400 M_KEY_TOO_LARGE');
  expect(await put('org.example.long', 'x'.repeat(65_536))).toBe('400 M_PROFILE_TOO_LARGE');
  expect(code(await ann.put(`/profile/${ann.id}/displayname`, {}))).toBe('400 M_MISSING_PARAM');
  expect(code(await ben.put(`/profile/${ann.id}/displayname`, { displayname: 'x' }))).toBe('403 M_FORBIDDEN');
  expect(code(await ben.get('/profile/@nobody:test'))).toBe('404 M_NOT_FOUND');
  expect(expectOk(await ben.get(`/profile/${ann.id}`))).toEqual({});
});

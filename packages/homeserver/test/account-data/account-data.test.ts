import { expect, test } from 'vitest';
import { expectOk, startServer, type Reply } from '../server/server.ts';

const code = ({ status, body }: Reply): string => `${status} ${body.errcode}`;

test('what is stored is read back, and told by the next sync, of the account and of a room', async () => {
  await using server = await startServer();
  const ann = await server.user('ann');
  const room = await ann.room();
  const paths = [
    `/user/${ann.id}/account_data/org.example`,
    `/user/${ann.id}/rooms/${room}/account_data/org.example`,
  ];
  const { next_batch: since } = expectOk(await ann.get('/sync'));
  for (const [index, path] of paths.entries()) {
    expect(code(await ann.get(path))).toBe('404 M_NOT_FOUND');
    expectOk(await ann.put(path, { index, __proto__: null }));
    expectOk(await ann.put(path, `{"index":${index},"__proto__":{"x":1}}`));
    expect((await ann.get(path)).body.index).toBe(index);
  }
  const body = expectOk(await ann.get(`/sync?since=${since}`));
  expect(body.account_data.events).toMatchObject([{ type: 'org.example', content: { index: 0 } }]);
  expect(Object.hasOwn(body.account_data.events[0].content, '__proto__')).toBe(true);
  expect(body.rooms.join[room].account_data.events).toMatchObject([
    { type: 'org.example', content: { index: 1 } },
  ]);
});

test('nobody else reads or writes it', async () => {
  await using server = await startServer();
  const ann = await server.user('ann');
  const ben = await server.user('ben');
  const path = `/user/${ann.id}/account_data/org.example`;
  expectOk(await ann.put(path, { secret: 1 }));
  expect(code(await ben.get(path))).toBe('403 M_FORBIDDEN');
  expect(code(await ben.put(path, {}))).toBe('403 M_FORBIDDEN');
  expect(JSON.stringify(expectOk(await ben.get('/sync')))).not.toContain('secret');
});

test('what the server keeps itself, and what is no object, is refused', async () => {
  await using server = await startServer();
  const ann = await server.user('ann');
  const path = `/user/${ann.id}/account_data`;
  expect(code(await ann.put(`${path}/m.push_rules`, {}))).toBe('405 M_BAD_JSON');
  expect(code(await ann.put(`${path}/m.fully_read`, {}))).toBe('405 M_BAD_JSON');
  expect(code(await ann.put(`${path}/org.example`, '[]'))).toBe('400 M_BAD_JSON');
  expect(code(await ann.put(`${path}/org.example`, '{'))).toBe('400 M_NOT_JSON');
  expect(code(await ann.put(`/user/${ann.id}/rooms/x/account_data/org.example`, {}))).toBe(
    '400 M_INVALID_PARAM',
  );
  expect(code(await ann.put(`${path}/org.example`, { long: 'x'.repeat(300_000) }))).toBe('413 M_TOO_LARGE');
  expect(expectOk(await ann.get(`${path}/m.push_rules`)).global.override[0].rule_id).toBe('.m.rule.master');
});

test('tags are put on and taken off one at a time, and are account data of the room', async () => {
  await using server = await startServer();
  const ann = await server.user('ann');
  const room = encodeURIComponent(await ann.room());
  const path = `/user/${ann.id}/rooms/${room}/tags`;
  expect(expectOk(await ann.get(path))).toEqual({ tags: {} });
  expectOk(await ann.put(`${path}/m.favourite`, { order: 0.5 }));
  expectOk(await ann.put(`${path}/u.tea`, {}));
  expectOk(await ann.put(`${path}/__proto__`, {}));
  expectOk(await ann.delete(`${path}/__proto__`));
  expect(expectOk(await ann.get(path))).toEqual({ tags: { 'm.favourite': { order: 0.5 }, 'u.tea': {} } });
  expectOk(await ann.delete(`${path}/u.tea`));
  const data = await ann.get(`/user/${ann.id}/rooms/${room}/account_data/m.tag`);
  expect(data.body).toEqual({ tags: { 'm.favourite': { order: 0.5 } } });
  expect(code(await ann.put(`${path}/u.tea`, { order: 'first' }))).toBe('400 M_BAD_JSON');
});

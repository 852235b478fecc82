import { expect, test } from 'vitest';
import { expectOk, startServer, type Reply } from '../server/server.ts';

const code = ({ status, body }: Reply): string => `${status} ${body.errcode}`;
const ids = (rules: any[]): string[] => rules.map((rule) => rule.rule_id);

async function withAnn() {
  const server = await startServer();
  return { server, ann: await server.user('ann') };
}

test('a new user has the predefined rules, filled in for them', async () => {
  const { server, ann } = await withAnn();
  await using _ = server;
  const { global } = expectOk(await ann.get('/pushrules/'));
  expect(Object.keys(global).toSorted()).toEqual(['content', 'override', 'room', 'sender', 'underride']);
  expect(ids(global.override)).toEqual([
    '.m.rule.master',
    '.m.rule.suppress_notices',
    '.m.rule.invite_for_me',
    '.m.rule.member_event',
    '.m.rule.is_user_mention',
    '.m.rule.contains_display_name',
    '.m.rule.is_room_mention',
    '.m.rule.roomnotif',
    '.m.rule.tombstone',
    '.m.rule.reaction',
    '.m.rule.room.server_acl',
    '.m.rule.suppress_edits',
  ]);
  expect(global.content[0]).toMatchObject({
    rule_id: '.m.rule.contains_user_name',
    pattern: 'ann',
    default: true,
  });
  expect(JSON.stringify(global)).toContain(`"value":"${ann.id}"`);
  expect(expectOk(await ann.get('/pushrules/global/'))).toEqual(global);
  expect((await ann.get('/sync')).body.account_data.events).toEqual([
    { type: 'm.push_rules', content: { global } },
  ]);
});

test('a rule of their own is added, read, disabled, changed and removed, and each change is told by sync', async () => {
  const { server, ann } = await withAnn();
  await using _ = server;
  const path = '/pushrules/global/content/cake';
  let since: string = expectOk(await ann.get('/sync')).next_batch;
  const told = async () => {
    const body = expectOk(await ann.get(`/sync?since=${since}`));
    since = body.next_batch;
    return body.account_data.events[0].content.global.content[0];
  };
  expectOk(await ann.put(path, { pattern: 'cake*lie', actions: ['notify'] }));
  const rule = { rule_id: 'cake', pattern: 'cake*lie', actions: ['notify'], enabled: true, default: false };
  expect(await told()).toEqual(rule);
  expect(expectOk(await ann.get(path))).toEqual(rule);
  expectOk(await ann.put(`${path}/enabled`, { enabled: false }));
  expect(await told()).toEqual({ ...rule, enabled: false });
  expect(expectOk(await ann.get(`${path}/enabled`))).toEqual({ enabled: false });
  expectOk(await ann.put(`${path}/actions`, { actions: [{ set_tweak: 'sound', value: 'bing' }] }));
  expect(expectOk(await ann.get(`${path}/actions`))).toEqual({
    actions: [{ set_tweak: 'sound', value: 'bing' }],
  });
  expectOk(await ann.delete(path));
  expect(code(await ann.get(path))).toBe('404 M_NOT_FOUND');
  expect(await told()).toMatchObject({ rule_id: '.m.rule.contains_user_name' });
});

test('a predefined rule can be disabled and changed, not replaced and not removed', async () => {
  const { server, ann } = await withAnn();
  await using _ = server;
  const path = '/pushrules/global/underride/.m.rule.message';
  expectOk(await ann.put(`${path}/enabled`, { enabled: false }));
  expectOk(await ann.put(`${path}/actions`, { actions: [] }));
  expect(expectOk(await ann.get(path))).toMatchObject({ enabled: false, actions: [], default: true });
  expect(code(await ann.delete(path))).toBe('404 M_NOT_FOUND');
  expect(code(await ann.put(path, { actions: [] }))).toBe('400 M_INVALID_PARAM');
});

test('own rules stand before the predefined ones, behind the master switch, in the order asked for', async () => {
  const { server, ann } = await withAnn();
  await using _ = server;
  const put = (id: string, query = '') =>
    ann.put(`/pushrules/global/override/${id}${query}`, { conditions: [], actions: [] });
  expectOk(await put('b'));
  expectOk(await put('a'));
  expectOk(await put('c', '?after=b'));
  const { override } = expectOk(await ann.get('/pushrules/global/'));
  expect(ids(override).slice(0, 5)).toEqual(['.m.rule.master', 'a', 'b', 'c', '.m.rule.suppress_notices']);
  expect(code(await put('d', '?before=nobody'))).toBe('400 M_UNKNOWN');
  expect(code(await put('d', '?before=.m.rule.master'))).toBe('400 M_UNKNOWN');
});

test.each([
  ['PUT', '/pushrules/device/room/x', { actions: [] }, '400 M_INVALID_PARAM'],
  ['PUT', '/pushrules/global/nothing/x', { actions: [] }, '400 M_INVALID_PARAM'],
  ['PUT', '/pushrules/global/room/a%5Cb', { actions: [] }, '400 M_INVALID_PARAM'],
  ['PUT', '/pushrules/global/content/x', { actions: [] }, '400 M_MISSING_PARAM'],
  ['PUT', '/pushrules/global/room/x', {}, '400 M_MISSING_PARAM'],
  ['PUT', '/pushrules/global/room/x', { actions: [{ set_tweak: 1 }] }, '400 M_BAD_JSON'],
  ['PUT', '/pushrules/global/room/x/enabled', { enabled: true }, '404 M_NOT_FOUND'],
  ['PUT', '/pushrules/global/room/x/enabled', { enabled: 'yes' }, '400 M_BAD_JSON'],
] as const)('%s %s %j is refused', async (_method, path, body, expected) => {
  const { server, ann } = await withAnn();
  await using _ = server;
  expect(code(await ann.put(path, body))).toBe(expected);
});

test('there is an end to how many rules a user has', async () => {
  const { server, ann } = await withAnn();
  await using _ = server;
  for (let index = 0; index < 500; index += 1) {
    expectOk(await ann.put(`/pushrules/global/sender/@${index}:test`, { actions: [] }));
  }
  expect(code(await ann.put('/pushrules/global/sender/@more:test', { actions: [] }))).toBe(
    '429 M_LIMIT_EXCEEDED',
  );
  expectOk(await ann.put('/pushrules/global/sender/@1:test', { actions: ['notify'] }));
});

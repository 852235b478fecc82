import type { JsonObject } from '@matrix-futures/engine';
import { describe, expect, test } from 'vitest';
import type { ClientEvent } from '../../src/events/client-event.ts';
import { noChanges, rulesetOf, withChange, withRule } from '../../src/push-rules/changes.ts';
import { Effort } from '../../src/push-rules/effort.ts';
import { compileRules, pathOf, type RuledRoom } from '../../src/push-rules/evaluate.ts';
import type { Condition } from '../../src/push-rules/rule.ts';

const alice = '@alice:example.org';

function event(content: JsonObject, rest: Partial<ClientEvent> = {}): ClientEvent {
  return {
    type: 'm.room.message',
    sender: '@bob:example.org',
    event_id: '$event',
    room_id: '!room:example.org',
    origin_server_ts: 1,
    content: { msgtype: 'm.text', ...content },
    ...rest,
  };
}

function room(rest: Partial<RuledRoom> = {}): RuledRoom {
  return {
    joinedMembers: () => 3,
    displayName: () => 'Alice',
    mayNotify: () => false,
    effort: new Effort(10_000),
    ...rest,
  };
}

const defaults = compileRules(rulesetOf(alice, noChanges));
const silent = { notify: false, highlight: false };
const notified = { notify: true, highlight: false };
const highlighted = { notify: true, highlight: true };

describe('the predefined rules', () => {
  test('a message notifies, a notice and an unknown type do not', () => {
    expect(defaults(event({ body: 'hello' }), room())).toEqual(notified);
    expect(defaults(event({ body: 'hello', msgtype: 'm.notice' }), room())).toEqual(silent);
    expect(defaults(event({ body: 'hello' }, { type: 'org.example.thing' }), room())).toEqual(silent);
  });

  test('a mention highlights: by m.mentions, by display name, by the local part of the user id', () => {
    expect(defaults(event({ body: 'x', 'm.mentions': { user_ids: [alice] } }), room())).toEqual(highlighted);
    expect(defaults(event({ body: 'hi Alice!' }), room({ displayName: () => 'alice' }))).toEqual(highlighted);
    expect(defaults(event({ body: 'hi alice' }), room({ displayName: () => null }))).toEqual(highlighted);
  });

  test('an event that says whom it mentions is not searched for names', () => {
    expect(defaults(event({ body: 'hi alice', 'm.mentions': {} }), room())).toEqual(notified);
    expect(defaults(event({ body: '@room', 'm.mentions': {} }), room({ mayNotify: () => true }))).toEqual(
      notified,
    );
  });

  test('@room highlights only from somebody with the power for it', () => {
    const everybody = event({ body: 'x', 'm.mentions': { room: true } });
    expect(defaults(everybody, room())).toEqual(notified);
    expect(defaults(everybody, room({ mayNotify: (_, key) => key === 'room' }))).toEqual(highlighted);
  });

  test("one's own invitation notifies, other memberships, reactions, edits and server lists do not", () => {
    const invite = event({ membership: 'invite' }, { type: 'm.room.member', state_key: alice });
    expect(defaults(invite, room())).toEqual(notified);
    expect(defaults({ ...invite, state_key: '@carol:example.org' }, room())).toEqual(silent);
    expect(defaults(event({}, { type: 'm.reaction' }), room())).toEqual(silent);
    expect(defaults(event({ body: 'x', 'm.relates_to': { rel_type: 'm.replace' } }), room())).toEqual(silent);
    expect(defaults(event({}, { type: 'm.room.server_acl', state_key: '' }), room())).toEqual(silent);
  });

  test('an upgraded room highlights, and only as a state event', () => {
    expect(defaults(event({}, { type: 'm.room.tombstone', state_key: '' }), room())).toEqual(highlighted);
    expect(defaults(event({}, { type: 'm.room.tombstone' }), room())).toEqual(silent);
  });
});

describe("a user's own rules", () => {
  const place = { before: undefined, after: undefined };
  const withCondition = (condition: Condition, actions: readonly ('notify' | 'dont_notify')[] = []) => {
    const rule = { conditions: [condition], actions: [...actions] };
    const changes = withRule(noChanges, 'override', 'mine', rule, place);
    if (changes === null) throw new Error('no changes');
    return compileRules(rulesetOf(alice, changes));
  };

  test('come before the predefined ones of their kind', () => {
    const muted = withCondition({ kind: 'event_match', key: 'room_id', pattern: '!room:example.org' });
    expect(muted(event({ body: 'alice' }), room())).toEqual(silent);
    expect(muted(event({ body: 'alice' }, { room_id: '!other:example.org' }), room())).toEqual(highlighted);
  });

  test('with dont_notify are as rules without actions', () => {
    const muted = withCondition({ kind: 'event_match', key: 'type', pattern: 'm.room.message' }, [
      'dont_notify',
    ]);
    expect(muted(event({ body: 'x' }), room())).toEqual(silent);
  });

  test.each([
    [{ kind: 'nobody.knows' }],
    [{ kind: 'event_match', key: 'content.body' }],
    [{ kind: 'event_match', key: 'content.missing', pattern: '*' }],
    [{ kind: 'event_match', key: '__proto__.x', pattern: '*' }],
    [{ kind: 'event_property_is', key: 'content.body', value: 1 }],
    [{ kind: 'event_property_contains', key: 'content.body', value: 'x' }],
    [{ kind: 'room_member_count', is: '=3' }],
    [{ kind: 'room_member_count', is: '>3' }],
  ])('never match by a condition that says nothing: %j', (condition) => {
    expect(withCondition(condition)(event({ body: 'x' }), room())).toEqual(notified);
  });

  test.each([['3'], ['==3'], ['>=3'], ['<=3'], ['<4'], ['>2']])('count members: %s of 3', (is) => {
    expect(withCondition({ kind: 'room_member_count', is })(event({ body: 'x' }), room())).toEqual(silent);
  });

  test('of a sender, a room and a pattern are checked between override and underride', () => {
    const add = (kind: 'sender' | 'room' | 'content', id: string, pattern?: string) => {
      const rule = { actions: [], ...(pattern !== undefined && { pattern }) };
      const changes = withRule(noChanges, kind, id, rule, place);
      if (changes === null) throw new Error('no changes');
      return compileRules(rulesetOf(alice, changes));
    };
    expect(add('sender', '@bob:example.org')(event({ body: 'x' }), room())).toEqual(silent);
    expect(add('room', '!room:example.org')(event({ body: 'x' }), room())).toEqual(silent);
    expect(add('content', 'cake', 'cake*lie')(event({ body: 'the cake is a lie' }), room())).toEqual(silent);
    expect(add('sender', '@carol:example.org')(event({ body: 'x' }), room())).toEqual(notified);
  });

  test('the master switch, once enabled, silences everything', () => {
    const off = withChange(alice, noChanges, 'override', '.m.rule.master', { enabled: true });
    if (off === null) throw new Error('no changes');
    const own = withRule(off, 'override', 'mine', { conditions: [], actions: ['notify'] }, place);
    if (own === null) throw new Error('no changes');
    expect(compileRules(rulesetOf(alice, own))(event({ body: 'alice' }), room())).toEqual(silent);
  });

  test('the order follows before and after, and a changed rule keeps its place', () => {
    const add = (changes: typeof noChanges, id: string, before?: string, after?: string) => {
      const next = withRule(changes, 'sender', id, { actions: [] }, { before, after });
      if (next === null) throw new Error('no changes');
      return next;
    };
    const ids = (changes: typeof noChanges) => changes.own.sender.map((rule) => rule.rule_id);
    const three = add(add(add(noChanges, 'c'), 'a'), 'b', undefined, 'a');
    expect(ids(three)).toEqual(['a', 'b', 'c']);
    expect(ids(add(three, 'c'))).toEqual(['a', 'b', 'c']);
    expect(ids(add(three, 'c', 'a'))).toEqual(['c', 'a', 'b']);
    expect(
      withRule(three, 'sender', 'd', { actions: [] }, { before: 'nobody', after: undefined }),
    ).toBeNull();
  });
});

test('what five hundred patterns may cost is limited, for all events together: then no condition holds', () => {
  const place = { before: undefined, after: undefined };
  let changes = noChanges;
  for (let count = 0; count < 500; count += 1) {
    const rule = { pattern: `${'*a'.repeat(100)}b${count}`, actions: ['notify'] };
    changes = withRule(changes, 'content', `r${count}`, rule, place) ?? changes;
  }
  const judge = compileRules(rulesetOf(alice, changes));
  const spent = room({ effort: new Effort(1_000_000) });
  // At full price each comparison would be twelve million steps.
  expect(judge(event({ body: 'a'.repeat(60_000) }), spent)).toEqual(silent);
  expect(judge(event({ body: 'hello' }), spent)).toEqual(silent);
  expect(judge(event({ body: 'hello' }), room({ effort: new Effort(1_000_000) }))).toEqual(notified);
});

test('a path is split at dots that no backslash escapes', () => {
  expect(pathOf('content.m\\.mentions.user_ids')).toEqual(['content', 'm.mentions', 'user_ids']);
  expect(pathOf('a\\\\.b')).toEqual(['a\\', 'b']);
  expect(pathOf('a\\x.b')).toEqual(['a\\x', 'b']);
});

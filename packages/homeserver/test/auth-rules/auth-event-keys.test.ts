import type { JsonObject } from '@matrix-futures/engine';
import { describe, expect, it } from 'vitest';
import { authEventKeys, type AuthEventKey } from '../../src/auth-rules/auth-event-keys.ts';
import { alice, bob, carol, eventIn, versions } from './room.ts';

const levels: AuthEventKey = ['m.room.power_levels', ''];
const joinRules: AuthEventKey = ['m.room.join_rules', ''];
const memberOf = (user: string): AuthEventKey => ['m.room.member', user];
const thirdParty: AuthEventKey = ['m.room.third_party_invite', 'token'];
const signed = { signed: { token: 'token' } };

const member = (target: string, content: JsonObject) => ({
  type: 'm.room.member',
  sender: alice,
  state_key: target,
  content,
});

// Matrix specification, server-server API, "Auth events selection".
describe.each(versions)('auth events selected in room version $id', (version) => {
  const create: AuthEventKey[] = version.id === '12' ? [] : [['m.room.create', '']];
  const usual = [...create, levels, memberOf(alice)];

  it('none for the create event', () => {
    expect(authEventKeys(eventIn(version, { type: 'm.room.create', state_key: '' }), version)).toEqual([]);
  });

  it('the create event before version 12, power levels, and the membership of the sender', () => {
    expect(authEventKeys(eventIn(version, {}), version)).toEqual(usual);
    expect(authEventKeys(eventIn(version, { type: 'm.room.topic', state_key: '' }), version)).toEqual(usual);
  });

  it.each<[string, JsonObject, AuthEventKey[]]>([
    ['join', { membership: 'join' }, [joinRules]],
    ['knock', { membership: 'knock' }, [joinRules]],
    ['invite', { membership: 'invite' }, [joinRules]],
    ['leave', { membership: 'leave' }, []],
    ['ban', { membership: 'ban' }, []],
    ['membership nobody knows', { membership: 5 }, []],
    [
      'invite of a third party',
      { membership: 'invite', third_party_invite: signed },
      [joinRules, thirdParty],
    ],
    [
      'invite of a third party without a token',
      { membership: 'invite', third_party_invite: {} },
      [joinRules],
    ],
    ['leave that names a third party', { membership: 'leave', third_party_invite: signed }, []],
    [
      'vouched join',
      { membership: 'join', join_authorised_via_users_server: carol },
      [joinRules, memberOf(carol)],
    ],
    ['vouched invite', { membership: 'invite', join_authorised_via_users_server: carol }, [joinRules]],
  ])('for a %s: the target too, and %j → %j', (_name, content, more) => {
    const keys = authEventKeys(eventIn(version, member(bob, content)), version);
    expect(keys).toEqual([...usual, memberOf(bob), ...more]);
  });

  it('nobody twice', () => {
    const content = { membership: 'join', join_authorised_via_users_server: alice };
    expect(authEventKeys(eventIn(version, member(alice, content)), version)).toEqual([...usual, joinRules]);
  });

  it('a membership that is no state event names no target', () => {
    const event = eventIn(version, { type: 'm.room.member', content: { membership: 'join' } });
    expect(authEventKeys(event, version)).toEqual(usual);
  });
});

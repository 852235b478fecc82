import type { JsonObject } from '@matrix-futures/engine';
import { describe, expect, it } from 'vitest';
import { mayRedact, readPowerLevels } from '../../src/auth-rules/power-levels.ts';
import { roomVersions } from '../../src/room-versions/room-version.ts';
import { alice, bob, carol, mod, peer, room, verdict, versions, type Row } from './room.ts';

const [v10, v11, v12] = [roomVersions['10'], roomVersions['11'], roomVersions['12']];

describe('the rule for power levels', () => {
  const users = { [mod]: 50, [peer]: 50 };
  const set = (content: JsonObject, sender = mod): Row['event'] => ({
    type: 'm.room.power_levels',
    state_key: '',
    sender,
    content: { users, ...content },
  });
  /** From one content to another by the moderator, who has 50. */
  const change = (before: JsonObject, after: JsonObject, sender = mod): Row => ({
    room: { 'm.room.power_levels': { users, ...before } },
    event: set(after, sender),
  });

  /** Numbers below the rule for power levels in versions 10 and 11, and in 12. */
  const table: [rule: string, rule12: string, verdict: 'allow' | 'reject', says: string, row: Row][] = [
    ...['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'].flatMap(
      (name) =>
        ['50', null, [], {}, true].map((value): (typeof table)[number] => [
          '1',
          '1',
          'reject',
          `${name} is ${JSON.stringify(value)}`,
          { event: set({ [name]: value }) },
        ]),
    ),
    ['2', '2', 'reject', 'events is no object', { event: set({ events: [] }) }],
    ['2', '2', 'reject', 'events is null', { event: set({ events: null }) }],
    ['2', '2', 'reject', 'a value of events is a string', { event: set({ events: { x: '0' } }) }],
    ['2', '2', 'reject', 'notifications is no object', { event: set({ notifications: 50 }) }],
    [
      '2',
      '2',
      'reject',
      'a value of notifications is null',
      { event: set({ notifications: { room: null } }) },
    ],
    ['3', '3', 'reject', 'users is no object', { event: set({ users: [] }) }],
    ['3', '3', 'reject', 'users is null', { event: set({ users: null }) }],
    ['3', '3', 'reject', 'a key of users is no user id', { event: set({ users: { ...users, bob: 0 } }) }],
    ['3', '3', 'reject', 'a value of users is a string', { event: set({ users: { ...users, [bob]: '0' } }) }],
    [
      '4',
      '5',
      'allow',
      'the first levels of the room may be anything',
      { room: { 'm.room.power_levels': null }, event: set({ users: { [bob]: 1000 }, ban: 2000 }, alice) },
    ],
    ['5', '6', 'allow', 'no change of a level above the sender', change({ ban: 60 }, { ban: 60 })],
    [
      '5',
      '6',
      'allow',
      'a level added, changed and removed, none above the sender',
      change({ ban: 50, kick: 40 }, { ban: 49, invite: 50 }),
    ],
    ['5.1', '6.1', 'reject', 'a level above the sender lowered', change({ ban: 51 }, { ban: 50 })],
    ['5.1', '6.1', 'reject', 'a level above the sender removed', change({ ban: 51 }, {})],
    ['5.2', '6.2', 'reject', 'a level raised above the sender', change({ ban: 50 }, { ban: 51 })],
    ['5.2', '6.2', 'reject', 'a level added above the sender', change({}, { users_default: 51 })],
    [
      '6.1',
      '7.1',
      'reject',
      "a type's level above the sender lowered",
      change({ events: { x: 51 } }, { events: { x: 0 } }),
    ],
    ['6.1', '7.1', 'reject', "a type's level above the sender removed", change({ events: { x: 51 } }, {})],
    [
      '6.1',
      '7.1',
      'reject',
      "a notification's level above the sender removed",
      change({ notifications: { room: 51 } }, { notifications: {} }),
    ],
    [
      '7.1',
      '8.1',
      'reject',
      "a type's level raised above the sender",
      change({ events: { x: 1 } }, { events: { x: 51 } }),
    ],
    ['7.1', '8.1', 'reject', "a type's level added above the sender", change({}, { events: { x: 51 } })],
    [
      '7.1',
      '8.1',
      'reject',
      "a notification's level added above the sender",
      change({}, { notifications: { room: 51 } }),
    ],
    [
      '7',
      '8',
      'allow',
      "a type's and a notification's level, none above the sender",
      change({ events: { x: 50 } }, { events: { y: 50 }, notifications: { room: 50 } }),
    ],
    ['8.1', '9.1', 'reject', 'an equal lowered', change({}, { users: { ...users, [peer]: 0 } })],
    ['8.1', '9.1', 'reject', 'an equal removed', change({}, { users: { [mod]: 50 } })],
    [
      '8.1',
      '9.1',
      'reject',
      'one above the sender lowered',
      change({ users: { ...users, [bob]: 51 } }, { users: { ...users, [bob]: 0 } }),
    ],
    ['8', '9', 'allow', 'the sender lowers themselves', change({}, { users: { ...users, [mod]: 0 } })],
    [
      '8',
      '9',
      'allow',
      'one below the sender lowered, one removed',
      change({ users: { ...users, [bob]: 49, [carol]: 1 } }, { users: { ...users, [bob]: 0 } }),
    ],
    ['9.1', '10.1', 'reject', 'the sender raises themselves', change({}, { users: { ...users, [mod]: 51 } })],
    [
      '9.1',
      '10.1',
      'reject',
      'one raised above the sender',
      change({ users: { ...users, [bob]: 1 } }, { users: { ...users, [bob]: 51 } }),
    ],
    ['9.1', '10.1', 'reject', 'one added above the sender', change({}, { users: { ...users, [bob]: 51 } })],
    [
      '9',
      '10',
      'allow',
      'one raised to the level of the sender',
      change({}, { users: { ...users, [bob]: 50 } }),
    ],
    ['10', '11', 'allow', 'no change at all', change({}, {})],
    ['10', '11', 'allow', 'members that nobody knows', change({}, { historical: 'x' })],
  ];

  describe.each(versions)('room version $id', (version) => {
    const section = version.id === '12' ? '10' : '9';
    it.each(table)('%s (%s in version 12): %s, %s', (rule, rule12, what, _says, row) => {
      const number = version.id === '12' ? rule12 : rule;
      expect(verdict(row, version)).toBe(what === 'allow' ? 'allowed' : `${section}.${number}`);
    });
  });

  it('10.4 (version 12 only): reject, a creator has no level to set', () => {
    const additional = { 'm.room.create': { creator: alice, additional_creators: [carol] } };
    const levels = { 'm.room.power_levels': { users: { [alice]: 100 } } };
    for (const creator of [alice, carol]) {
      const row = { room: additional, event: set({ users: { ...users, [creator]: 100 } }, alice) };
      expect(verdict(row, v12)).toBe('10.4');
      expect(verdict({ ...row, room: { ...additional, ...levels } }, v11)).toBe('allowed');
    }
  });

  it('a creator of version 12 sets whatever integers allow', () => {
    const most = Number.MAX_SAFE_INTEGER;
    const row = { ...change({ ban: most }, { kick: most, users: { [peer]: most } }, alice) };
    expect(verdict(row, v12)).toBe('allowed');
  });
});

describe('levels read from the state', () => {
  const state = (content: JsonObject | null) => room(v11, { 'm.room.power_levels': content });

  it('have defaults where the event, or a member of it, is missing', () => {
    for (const content of [null, {}]) {
      const levels = readPowerLevels(state(content), v11);
      expect([levels.ban, levels.kick, levels.redact, levels.invite, levels.toNotify('room')]).toEqual([
        50, 50, 50, 0, 50,
      ]);
      expect([
        levels.toSend('m.room.message', false),
        levels.toSend('m.room.topic', true),
        levels.of(bob),
      ]).toEqual([0, 50, 0]);
      expect(levels.of(alice)).toBe(content === null ? 100 : 0);
    }
  });

  it('are those of the event', () => {
    const content = {
      ban: 1,
      kick: 2,
      redact: 3,
      invite: 4,
      state_default: 5,
      events_default: 6,
      users_default: 7,
      users: { [mod]: 8 },
      events: { 'm.room.name': 9 },
      notifications: { room: 10 },
    };
    const levels = readPowerLevels(state(content), v11);
    expect([levels.ban, levels.kick, levels.redact, levels.invite]).toEqual([1, 2, 3, 4]);
    expect([
      levels.toSend('m.room.topic', true),
      levels.toSend('m.room.message', false),
      levels.of(bob),
    ]).toEqual([5, 6, 7]);
    expect([levels.of(mod), levels.toSend('m.room.name', true), levels.toNotify('room')]).toEqual([8, 9, 10]);
  });

  it('are never read from what every object has', () => {
    const levels = readPowerLevels(state({ users: {}, events: {}, notifications: {} }), v11);
    expect([
      levels.of('constructor'),
      levels.toSend('__proto__', false),
      levels.toNotify('toString'),
    ]).toEqual([0, 0, 50]);
  });

  it('creators: by content in version 10, the sender in 11, with others in 12, infinite there', () => {
    const create = {
      'm.room.create': { creator: bob, additional_creators: [carol, 5] },
      'm.room.power_levels': null,
    };
    const of = (version: typeof v10) => {
      const levels = readPowerLevels(room(version, create), version);
      return [alice, bob, carol, mod].map((user) => levels.of(user));
    };
    expect(of(v10)).toEqual([0, 100, 0, 0]);
    expect(of(v11)).toEqual([100, 0, 0, 0]);
    expect(of(v12)).toEqual([Infinity, 0, Infinity, 0]);
  });

  it('creators of version 12 keep their power whatever the event says', () => {
    const levels = readPowerLevels(
      room(v12, { 'm.room.power_levels': { users: { [alice]: -1 }, users_default: -1 } }),
      v12,
    );
    expect(levels.of(alice)).toBe(Infinity);
  });

  it('redacting: what is one’s own, or with the redact level', () => {
    const levels = readPowerLevels(state({ users: { [mod]: 50 } }), v11);
    expect([mayRedact(levels, bob, bob), mayRedact(levels, mod, bob), mayRedact(levels, bob, mod)]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

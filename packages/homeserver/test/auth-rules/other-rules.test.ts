import { describe, expect, it } from 'vitest';
import { authorize } from '../../src/auth-rules/authorize.ts';
import { judgeAuthEvents, type ListedAuthEvent } from '../../src/auth-rules/judge-auth-events.ts';
import type { UnsignedPdu } from '../../src/events/pdu.ts';
import { roomVersions } from '../../src/room-versions/room-version.ts';
import { alice, bob, carol, erin, eventIn, member, mod, room, verdict, versions, type Row } from './room.ts';

const [v10, v11, v12] = [roomVersions['10'], roomVersions['11'], roomVersions['12']];

describe('the rule for create events', () => {
  const first: Partial<UnsignedPdu> = { type: 'm.room.create', state_key: '', prev_events: [] };
  const named = { ...first, room_id: '!r:s', content: { creator: alice } };
  const { room_id: _, ...hashed } = eventIn(v12, { ...first, content: { room_version: '12' } });
  const rule = (event: UnsignedPdu, version = v12) =>
    authorize(event, () => undefined, version)?.rule ?? 'allowed';

  it.each([v10, v11])('1.1 reject: it has previous events, version $id', (version) => {
    expect(rule(eventIn(version, { ...named, prev_events: ['$p'] }), version)).toBe('1.1');
  });
  it('1.1 reject: it has previous events, version 12', () => {
    expect(rule({ ...hashed, prev_events: ['$p'] })).toBe('1.1');
  });
  it.each([v10, v11])('1.2 reject: the room id is of another server, version $id', (version) => {
    expect(rule(eventIn(version, { ...named, room_id: '!r:other' }), version)).toBe('1.2');
    expect(rule(eventIn(version, { ...named, sender: '@a:s:80' }), version)).toBe('1.2');
    expect(rule(eventIn(version, { ...named, room_id: '!r:s:80', sender: '@a:s:80' }), version)).toBe(
      'allowed',
    );
  });
  it('1.2 reject: it has a room id, version 12', () => {
    expect(rule({ ...hashed, room_id: '!r' })).toBe('1.2');
  });
  it.each([v10, v11])('1.3 reject: a room version nobody knows, version $id', (version) => {
    for (const room_version of ['x', 12, 'constructor']) {
      expect(rule(eventIn(version, { ...named, content: { creator: alice, room_version } }), version)).toBe(
        '1.3',
      );
    }
  });
  it('1.3 reject: a room version nobody knows, version 12', () => {
    expect(rule({ ...hashed, content: { room_version: null } })).toBe('1.3');
  });
  it('1.4 reject: no creator, version 10 only', () => {
    expect(rule(eventIn(v10, { ...named, content: {} }), v10)).toBe('1.4');
    expect(rule(eventIn(v11, { ...named, content: {} }), v11)).toBe('allowed');
  });
  it.each([
    ['no list', '@b:s'],
    ['null', null],
    ['not of strings', ['@b:s', 5]],
    ['not of user ids', ['b']],
    ['of a user id without a server', ['@b']],
    ['of a user id whose server is none', ['@b:s/']],
    ['of a user id that is too long', [`@${'b'.repeat(253)}:s`]],
    ['of a user id with NUL', ['@b\0:s']],
  ])('1.4 reject: additional_creators is %s, version 12 only', (_name, additional_creators) => {
    expect(rule({ ...hashed, content: { additional_creators } })).toBe('1.4');
    expect(rule(eventIn(v11, { ...named, content: { additional_creators } }), v11)).toBe('allowed');
  });
  it('1.5 allow (1.4 in version 11)', () => {
    expect(rule({ ...hashed, content: { additional_creators: [] } })).toBe('allowed');
    expect(
      rule({ ...hashed, content: { additional_creators: ['@b:s', '@:[::1]:80', `@${'b'.repeat(252)}:s`] } }),
    ).toBe('allowed');
    expect(rule(eventIn(v10, { ...named, content: { creator: alice, room_version: '10' } }), v10)).toBe(
      'allowed',
    );
  });
});

describe('rule 2 of version 12: the room id names the create event', () => {
  it('2 reject: another room id', () => {
    expect(verdict({ event: { room_id: '!other' } }, v12)).toBe('2');
    expect(verdict({ event: { room_id: '$m.room.create' } }, v12)).toBe('2');
  });
  it('2 reject: no create event', () => {
    expect(verdict({ room: { 'm.room.create': null }, event: {} }, v12)).toBe('2');
  });
  it('has no counterpart before, where a room without a create event falls under 2.4', () => {
    expect(verdict({ event: { room_id: '!other:s' } }, v11)).toBe('allowed');
    expect(verdict({ room: { 'm.room.create': null }, event: {} }, v11)).toBe('2.4');
  });
});

describe.each(versions)('the rule on auth events, version $id', (version) => {
  const section = version.id === '12' ? '3' : '2';
  const event = eventIn(version, { sender: bob });
  const listed = (type: string, stateKey = '', change: Partial<ListedAuthEvent> = {}): ListedAuthEvent => ({
    eventId: `$${type}`,
    sender: alice,
    content: {},
    type,
    stateKey,
    room: event.room_id ?? '',
    isRejected: false,
    ...change,
  });
  const create = version.id === '12' ? [] : [listed('m.room.create')];
  const rule = (authEvents: readonly ListedAuthEvent[]) =>
    judgeAuthEvents(event, [...create, ...authEvents], version)?.rule ?? 'allowed';

  it(`${section}.1 reject: two of one type and state key`, () => {
    expect(rule([listed('m.room.member', bob), listed('m.room.member', bob, { eventId: '$2' })])).toBe(
      `${section}.1`,
    );
  });
  it(`${section}.2 reject: one that the selection does not name`, () => {
    expect(rule([listed('m.room.member', alice)])).toBe(`${section}.2`);
    expect(rule([listed('m.room.topic')])).toBe(`${section}.2`);
    expect(rule([listed('m.room.power_levels', '', { stateKey: null })])).toBe(`${section}.2`);
  });
  it(`${section}.3 reject: one that was itself rejected`, () => {
    expect(rule([listed('m.room.member', bob, { isRejected: true })])).toBe(`${section}.3`);
  });
  it('the create event must be there before version 12 (2.4), and must not from then on (3.2)', () => {
    const without = judgeAuthEvents(event, [], version)?.rule ?? 'allowed';
    const withIt = judgeAuthEvents(event, [listed('m.room.create')], version)?.rule ?? 'allowed';
    expect([without, withIt]).toEqual(version.id === '12' ? ['allowed', '3.2'] : ['2.4', 'allowed']);
  });
  it(`${version.id === '12' ? '3.4' : '2.5'} reject: one of another room`, () => {
    expect(rule([listed('m.room.member', bob, { room: '!other:s' })])).toBe(
      version.id === '12' ? '3.4' : '2.5',
    );
  });
  it('allows what is selected, and looks at no list of a create event', () => {
    expect(rule([listed('m.room.member', bob), listed('m.room.power_levels')])).toBe('allowed');
    expect(judgeAuthEvents({ ...event, type: 'm.room.create' }, [], version)).toBe(null);
  });
});

/** Rule numbers in versions 10 and 11, and in 12. */
const table: [rule: string, rule12: string, verdict: 'allow' | 'reject', says: string, row: Row][] = [
  [
    '3',
    '4',
    'reject',
    'm.federate is false and the sender is of another server',
    {
      room: {
        'm.room.create': { creator: alice, 'm.federate': false },
        'm.room.member @bob:other': { membership: 'join' },
      },
      event: { sender: '@bob:other' },
    },
  ],
  [
    '3',
    '4',
    'reject',
    'm.federate is false and the sender is of another port',
    {
      room: { 'm.room.create': { 'm.federate': false }, 'm.room.join_rules': { join_rule: 'public' } },
      event: member('@bob:s:80', '@bob:s:80', 'join'),
    },
  ],
  [
    '3',
    '4',
    'allow',
    'm.federate is false and the sender is of the same server',
    { room: { 'm.room.create': { 'm.federate': false } }, event: { sender: bob } },
  ],
  [
    '3',
    '4',
    'allow',
    'm.federate is not exactly false',
    {
      room: { 'm.room.create': { 'm.federate': 'false' }, 'm.room.member @b:o': { membership: 'join' } },
      event: { sender: '@b:o' },
    },
  ],

  ['5', '6', 'reject', 'the sender never was in the room', { event: { sender: carol } }],
  ['5', '6', 'reject', 'the sender is only invited', { event: { sender: erin } }],
  [
    '5',
    '6',
    'reject',
    'not even the creator from outside',
    { room: { [`m.room.member ${alice}`]: { membership: 'leave' } }, event: {} },
  ],

  [
    '6.1',
    '7.1',
    'allow',
    'just enough to invite',
    {
      room: { 'm.room.power_levels': { users: { [mod]: 50 }, invite: 50 } },
      event: { type: 'm.room.third_party_invite', state_key: 't', sender: mod },
    },
  ],
  [
    '6.1',
    '7.1',
    'allow',
    'the level of state events does not matter',
    { event: { type: 'm.room.third_party_invite', state_key: 't', sender: bob } },
  ],
  [
    '6.1',
    '7.1',
    'reject',
    'too little to invite',
    {
      room: { 'm.room.power_levels': { users: { [mod]: 50 }, invite: 51 } },
      event: { type: 'm.room.third_party_invite', state_key: 't', sender: mod },
    },
  ],

  ['7', '8', 'allow', 'messages need 0 unless set', { event: { sender: bob } }],
  [
    '7',
    '8',
    'reject',
    'messages need events_default',
    { room: { 'm.room.power_levels': { events_default: 1 } }, event: { sender: bob } },
  ],
  [
    '7',
    '8',
    'reject',
    'state needs 50 unless set',
    { event: { sender: bob, type: 'm.room.topic', state_key: '' } },
  ],
  [
    '7',
    '8',
    'allow',
    'state needs state_default',
    {
      room: { 'm.room.power_levels': { state_default: 0 } },
      event: { sender: bob, type: 'm.room.topic', state_key: '' },
    },
  ],
  [
    '7',
    '8',
    'reject',
    'a type needs its own level',
    {
      room: { 'm.room.power_levels': { events: { 'm.sticker': 1 } } },
      event: { sender: bob, type: 'm.sticker' },
    },
  ],
  [
    '7',
    '8',
    'allow',
    "a type's own level goes before the default",
    {
      room: { 'm.room.power_levels': { events: { 'm.call.member': 0 } } },
      event: { sender: bob, type: 'm.call.member', state_key: 'x' },
    },
  ],
  [
    '7',
    '8',
    'allow',
    'users_default counts for who is not named',
    {
      room: { 'm.room.power_levels': { users_default: 50 } },
      event: { sender: bob, type: 'm.room.topic', state_key: '' },
    },
  ],
  [
    '7',
    '8',
    'reject',
    'state without power levels in the room, for who did not make it',
    { room: { 'm.room.power_levels': null }, event: { sender: bob, type: 'm.room.topic', state_key: '' } },
  ],
  [
    '7',
    '8',
    'allow',
    'state without power levels in the room, for the creator',
    { room: { 'm.room.power_levels': null }, event: { type: 'm.room.topic', state_key: '' } },
  ],
  [
    '7',
    '8',
    'allow',
    'a type that every object has as a property',
    { room: { 'm.room.power_levels': { events: {} } }, event: { sender: bob, type: 'constructor' } },
  ],
  [
    '7',
    '8',
    'allow',
    'a redaction is an event like any other, whatever the redact level',
    { room: { 'm.room.power_levels': { redact: 100 } }, event: { sender: bob, type: 'm.room.redaction' } },
  ],
  [
    '7',
    '8',
    'reject',
    'a redaction has a level as an event of its type',
    {
      room: { 'm.room.power_levels': { events: { 'm.room.redaction': 1 } } },
      event: { sender: bob, type: 'm.room.redaction' },
    },
  ],

  [
    '8',
    '9',
    'reject',
    "a state key that is another's user id",
    { event: { sender: mod, type: 'x', state_key: bob } },
  ],
  [
    '8',
    '9',
    'reject',
    'a state key that only starts like a user id',
    { event: { sender: mod, type: 'x', state_key: '@' } },
  ],
  [
    '8',
    '9',
    'allow',
    "a state key that is the sender's user id",
    { event: { sender: mod, type: 'x', state_key: mod } },
  ],
  [
    '8',
    '9',
    'allow',
    'a state key with a user id in it',
    { event: { sender: mod, type: 'x', state_key: `_${bob}_device` } },
  ],

  [
    '10',
    '11',
    'allow',
    'anything else',
    { event: { sender: mod, type: 'org.example.anything', state_key: 'x' } },
  ],
];

describe.each(versions)('other rules, room version $id', (version) => {
  it.each(table)('%s (%s in version 12): %s, %s', (rule, rule12, what, _says, row) => {
    const number = version.id === '12' ? rule12 : rule;
    expect(verdict(named(row), version)).toBe(what === 'allow' ? 'allowed' : number);
  });

  // Version 10 finds the creator in the content.
  function named(row: Row): Row {
    const create = row.room?.['m.room.create'];
    return create ? { ...row, room: { ...row.room, 'm.room.create': { creator: alice, ...create } } } : row;
  }
});

it('the state is asked for, never listed', () => {
  const asked: string[] = [];
  const state = room(v12);
  authorize(
    eventIn(v12, { sender: bob }),
    (type, key) => (asked.push(`${type} ${key}`), state(type, key)),
    v12,
  );
  expect(new Set(asked)).toEqual(new Set(['m.room.create ', 'm.room.power_levels ', `m.room.member ${bob}`]));
});

import type { JsonObject } from '@matrix-futures/engine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact, redactionTarget } from '../../src/events/redact.ts';
import { findRoomVersion, roomVersions, type RoomVersionId } from '../../src/room-versions/room-version.ts';

const everyMember = {
  event_id: '$e',
  room_id: '!r:s',
  sender: '@a:s',
  state_key: '',
  hashes: { sha256: 'h' },
  signatures: { s: {} },
  depth: 1,
  prev_events: ['$p'],
  auth_events: ['$c'],
  origin_server_ts: 5,
  prev_state: [],
  origin: 's',
  membership: 'join',
  redacts: '$x',
  msc4354_sticky: { duration_ms: 5 },
  unsigned: { age: 1 },
  something: 'else',
};

const powerLevels = {
  ban: 1,
  events: {},
  events_default: 2,
  kick: 3,
  redact: 4,
  state_default: 5,
  users: {},
};

const contents: [type: string, content: JsonObject, left10: JsonObject, left11: JsonObject][] = [
  ['m.room.message', { body: 'gone' }, {}, {}],
  ['m.room.topic', { topic: 'gone' }, {}, {}],
  ['m.room.aliases', { aliases: ['#gone:s'] }, {}, {}],
  [
    'm.room.create',
    { creator: '@a:s', type: 'm.space' },
    { creator: '@a:s' },
    { creator: '@a:s', type: 'm.space' },
  ],
  [
    'm.room.member',
    { membership: 'join', join_authorised_via_users_server: '@b:s', displayname: 'gone' },
    { membership: 'join', join_authorised_via_users_server: '@b:s' },
    { membership: 'join', join_authorised_via_users_server: '@b:s' },
  ],
  [
    'm.room.member',
    {
      membership: 'invite',
      third_party_invite: { signed: { token: 't', mxid: '@b:s' }, display_name: 'gone' },
    },
    { membership: 'invite' },
    { membership: 'invite', third_party_invite: { signed: { token: 't', mxid: '@b:s' } } },
  ],
  ['m.room.member', { third_party_invite: { display_name: 'gone' } }, {}, { third_party_invite: {} }],
  ['m.room.member', { third_party_invite: 'gone' }, {}, {}],
  [
    'm.room.join_rules',
    { join_rule: 'restricted', allow: [], more: 1 },
    { join_rule: 'restricted', allow: [] },
    { join_rule: 'restricted', allow: [] },
  ],
  [
    'm.room.power_levels',
    { ...powerLevels, users_default: 6, invite: 7, notifications: { room: 8 } },
    { ...powerLevels, users_default: 6 },
    { ...powerLevels, users_default: 6, invite: 7 },
  ],
  [
    'm.room.history_visibility',
    { history_visibility: 'joined', more: 1 },
    { history_visibility: 'joined' },
    { history_visibility: 'joined' },
  ],
  ['m.room.redaction', { redacts: '$x', reason: 'gone' }, {}, { redacts: '$x' }],
  ['constructor', { prototype: 'gone' }, {}, {}],
];

describe('redaction keeps of the content', () => {
  it.each(contents)('of %s %j: in version 10 %j, from 11 on %j', (type, content, left10, left11) => {
    const left = (id: RoomVersionId) => redact({ type, content }, roomVersions[id]).content;
    expect([left('10'), left('11'), left('12')]).toEqual([left10, left11, left11]);
  });
});

describe('redaction keeps of the event', () => {
  const essential = [
    'auth_events',
    'content',
    'depth',
    'event_id',
    'hashes',
    'origin_server_ts',
    'prev_events',
  ];
  const rest = ['room_id', 'sender', 'signatures', 'state_key', 'type'];
  it.each<[RoomVersionId, string[]]>([
    ['10', [...essential, ...rest, 'membership', 'origin', 'prev_state']],
    ['11', [...essential, ...rest]],
    ['12', [...essential, ...rest]],
  ])('in version %s: %j', (id, members) => {
    const left = redact({ ...everyMember, type: 'X', content: {} }, roomVersions[id]);
    expect(Object.keys(left).toSorted()).toEqual(members.toSorted());
    expect({ ...everyMember, type: 'X', content: {} }).toMatchObject(left);
  });
});

it('redacting twice is redacting once', () => {
  const type = fc.constantFrom(...contents.map(([name]) => name));
  const content = fc.dictionary(
    fc.constantFrom('membership', 'third_party_invite', 'redacts', 'users', 'x'),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(type, content, fc.constantFrom(...Object.values(roomVersions)), (name, anything, version) => {
      const once = redact(
        { ...everyMember, type: name, content: JSON.parse(JSON.stringify(anything)) },
        version,
      );
      expect(redact(once, version)).toEqual(once);
    }),
  );
});

it('a redaction names its target at the top in version 10, in its content from 11 on', () => {
  const event = { type: 'm.room.redaction', redacts: '$top', content: { redacts: '$content' } };
  expect(Object.values(roomVersions).map((version) => redactionTarget(event, version))).toEqual([
    '$top',
    '$content',
    '$content',
  ]);
  expect(redactionTarget({ ...event, type: 'm.room.message' }, roomVersions['11'])).toBe(undefined);
  expect(redactionTarget({ ...event, content: { redacts: 5 } }, roomVersions['11'])).toBe(undefined);
});

it('room versions that are not served are not found, nor are properties of every object', () => {
  expect(['9', '13', '', 'constructor', '__proto__'].map(findRoomVersion)).toEqual(Array(5).fill(undefined));
  expect(findRoomVersion('12')).toBe(roomVersions['12']);
});

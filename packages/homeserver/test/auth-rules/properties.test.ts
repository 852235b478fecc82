import type { JsonObject, JsonValue } from '@matrix-futures/engine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authEventKeys } from '../../src/auth-rules/auth-event-keys.ts';
import { authorize } from '../../src/auth-rules/authorize.ts';
import { judgeAuthEvents } from '../../src/auth-rules/judge-auth-events.ts';
import { readPowerLevels } from '../../src/auth-rules/power-levels.ts';
import { objectMember } from '../../src/events/json-member.ts';
import type { UnsignedPdu } from '../../src/events/pdu.ts';
import type { RoomVersion } from '../../src/room-versions/room-version.ts';
import { alice, bob, carol, dave, erin, eventIn, mod, peer, room, versions, type Changes } from './room.ts';

const users = [alice, mod, peer, bob, carol, dave, erin];
const user = fc.constantFrom(...users);
const level = fc.constantFrom(-1, 0, 1, 49, 50, 51, 99, 100, 101);
const membership = fc.constantFrom('join', 'invite', 'leave', 'ban', 'knock');
const joinRule = fc.constantFrom('public', 'invite', 'knock', 'restricted', 'knock_restricted', 'private');
const version = fc.constantFrom(...versions);
const single = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'];
const map = (name: fc.Arbitrary<string>) => fc.dictionary(name, level, { maxKeys: 4 });

const levels: fc.Arbitrary<JsonObject> = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...single), level, { maxKeys: 4 }),
    fc.record(
      {
        users: map(user),
        events: map(fc.constantFrom('m.room.power_levels', 'm.room.topic', 'x')),
        notifications: map(fc.constant('room')),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([some, maps]) => ({ ...some, ...maps }));

/** The usual room, with power levels, join rules and memberships at random. */
const changes: fc.Arbitrary<Changes> = fc
  .tuple(
    fc.option(levels),
    fc.option(joinRule),
    fc.dictionary(user, membership, { maxKeys: 4 }),
    fc.constantFrom({}, { additional_creators: [peer] }, { 'm.federate': false }),
  )
  .map(([power, rule, members, create]) => ({
    'm.room.create': { creator: alice, ...create },
    'm.room.power_levels': power,
    'm.room.join_rules': rule === null ? null : { join_rule: rule },
    ...Object.fromEntries(
      Object.entries(members).map(([name, is]) => [`m.room.member ${name}`, { membership: is }]),
    ),
  }));

/** Whatever JSON may stand where a rule expects something. */
const anything = fc.jsonValue({ maxDepth: 2 }).map((value): JsonValue => JSON.parse(JSON.stringify(value)));
const member = fc.record(
  {
    membership,
    join_authorised_via_users_server: user,
    third_party_invite: fc.oneof(fc.constant({ signed: { mxid: carol, token: 'token' } }), anything),
  },
  { requiredKeys: ['membership'] },
);

const event: fc.Arbitrary<Partial<UnsignedPdu>> = fc.oneof(
  fc.record({ type: fc.constant('m.room.member'), sender: user, state_key: user, content: member }),
  fc.record({
    type: fc.constant('m.room.power_levels'),
    sender: user,
    state_key: fc.constant(''),
    content: levels,
  }),
  fc.record({
    type: fc.constantFrom('m.room.topic', 'm.room.third_party_invite', 'x'),
    sender: user,
    state_key: fc.oneof(user, fc.string()),
  }),
  fc.record({ type: fc.constantFrom('m.room.message', 'constructor'), sender: user }),
  fc.record({
    type: fc.constantFrom('m.room.member', 'm.room.power_levels', 'm.room.create', '__proto__'),
    sender: fc.string(),
    state_key: fc.string(),
    content: fc.dictionary(
      fc.constantFrom('membership', 'users', 'ban', 'third_party_invite', 'events'),
      anything,
    ),
  }),
);

const judge = (of: RoomVersion, changed: Changes, parts: Partial<UnsignedPdu>) =>
  authorize(eventIn(of, parts), room(of, changed), of, () => true);

describe('whatever the event and the room', () => {
  it('the rules have an answer, which names a rule', () => {
    fc.assert(
      fc.property(version, changes, event, (of, changed, parts) => {
        const rejection = judge(of, changed, parts);
        expect(rejection?.rule ?? '1').toMatch(/^\d+(\.\d+)*$/);
      }),
    );
  });

  it('the rules look at no state but what the selection of auth events names, and the create event', () => {
    fc.assert(
      fc.property(version, changes, event, (of, changed, parts) => {
        const made = eventIn(of, parts);
        const named = new Set(authEventKeys(made, of).map(([type, key]) => `${type} ${key}`)).add(
          'm.room.create ',
        );
        const state = room(of, changed);
        const look = (type: string, key: string) => {
          expect(named).toContain(`${type} ${key}`);
          return state(type, key);
        };
        authorize(made, look, of, () => true);
      }),
    );
  });

  it('what is selected passes the rule on auth events', () => {
    fc.assert(
      fc.property(version, changes, event, (of, changed, parts) => {
        const made = eventIn(of, parts);
        const listed = authEventKeys(made, of).flatMap(([type, stateKey]) => {
          const found = room(of, changed)(type, stateKey);
          return found ? [{ ...found, type, stateKey, room: made.room_id ?? '', isRejected: false }] : [];
        });
        expect(judgeAuthEvents(made, listed, of)).toBe(null);
      }),
    );
  });

  it('who is not in the room sends nothing but their own membership, or an invitation that was signed for', () => {
    fc.assert(
      fc.property(version, changes, event, (of, changed, parts) => {
        const sender = parts.sender ?? alice;
        const isIn = room(of, changed)('m.room.member', sender)?.content.membership === 'join';
        if (isIn || parts.type === 'm.room.create' || judge(of, changed, parts) !== null) return;
        expect(parts).toMatchObject({ type: 'm.room.member', state_key: sender });
      }),
    );
  });
});

describe('power', () => {
  const powerEvent = fc.record({
    type: fc.constant('m.room.power_levels'),
    sender: user,
    state_key: fc.constant(''),
    content: levels,
  });

  it('nobody raises anybody above themselves, or lowers their equals and betters', () => {
    fc.assert(
      fc.property(version, changes, powerEvent, (of, changed, parts) => {
        if (changed['m.room.power_levels'] === null || judge(of, changed, parts) !== null) return;
        const before = readPowerLevels(room(of, changed), of);
        const after = readPowerLevels(room(of, { ...changed, 'm.room.power_levels': parts.content }), of);
        const own = before.of(parts.sender);
        const named = Object.keys(objectMember(changed['m.room.power_levels'] ?? {}, 'users') ?? {});
        for (const other of users) {
          if (after.of(other) !== before.of(other)) expect(after.of(other)).toBeLessThanOrEqual(own);
          if (other !== parts.sender && named.includes(other) && before.of(other) >= own) {
            expect(after.of(other)).toBe(before.of(other));
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('nobody kicks or bans their equals and betters, and nobody the creators of version 12', () => {
    const removal = fc.record({
      sender: user,
      target: user,
      content: fc.record({ membership: fc.constantFrom('leave', 'ban') }),
    });
    fc.assert(
      fc.property(version, changes, removal, (of, changed, { sender, target, content }) => {
        const parts = { type: 'm.room.member', sender, state_key: target, content };
        if (sender === target || judge(of, changed, parts) !== null) return;
        const power = readPowerLevels(room(of, changed), of);
        expect(power.of(target)).toBeLessThan(power.of(sender));
        expect(power.of(target)).toBeLessThan(Infinity);
      }),
      { numRuns: 500 },
    );
  });
});

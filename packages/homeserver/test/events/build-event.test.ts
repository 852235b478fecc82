import type { Draft, JsonObject } from '@matrix-futures/engine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authEventKeys } from '../../src/auth-rules/auth-event-keys.ts';
import { BadEvent } from '../../src/events/bad-event.ts';
import { buildEvent, maxEventBytes, type EventParts } from '../../src/events/build-event.ts';
import { canonicalJson, maxJsonDepth } from '../../src/events/canonical-json.ts';
import { toClientEvent } from '../../src/events/client-event.ts';
import { finalSizeBound } from '../../src/events/final-size.ts';
import { contentHash, eventIdOf } from '../../src/events/hashes.ts';
import { redact } from '../../src/events/redact.ts';
import { isEventSignedBy } from '../../src/events/signatures.ts';
import { signingKey } from '../../src/events/signing-key.ts';
import { roomVersions } from '../../src/room-versions/room-version.ts';

const key = signingKey('ed25519:a_1', new Uint8Array(32).fill(1));
const findKey = (id: string) => (id === key.id ? key.verifyKey : undefined);
const someId = (n: number) => '$' + String(n).padStart(43, 'x');

const message: EventParts = {
  roomVersion: roomVersions['11'],
  room: '!r:s',
  sender: '@a:s',
  type: 'm.room.message',
  stateKey: null,
  content: { body: 'hello' },
  prevEvents: [someId(1)],
  authEvents: [someId(2), someId(3), someId(4)],
  depth: 12,
  originServerTs: 1_700_000_000_000,
  serverName: 's',
  signingKey: key,
};

const content = fc
  .record(
    {
      membership: fc.constantFrom('join', 'invite', 'leave', 'ban', 'knock'),
      join_authorised_via_users_server: fc.constant('@b:s'),
      third_party_invite: fc.constantFrom({ signed: { token: 't' } }, { display_name: 'x' }),
      redacts: fc.constant(someId(9)),
      users: fc.dictionary(fc.string(), fc.maxSafeInteger()),
      invite: fc.nat(),
      '\ue000': fc.boolean(),
      '\u{10000}': fc.string({ unit: 'binary' }),
    },
    { requiredKeys: [] },
  )
  .map((value): JsonObject => JSON.parse(JSON.stringify(value)));

const parts: fc.Arbitrary<EventParts> = fc
  .record({
    roomVersion: fc.constantFrom(...Object.values(roomVersions)),
    sender: fc.constantFrom('@a:s', '@ü:s'),
    type: fc.constantFrom(
      'm.room.message',
      'm.room.member',
      'm.room.redaction',
      'm.room.power_levels',
      'm.room.create',
    ),
    stateKey: fc.constantFrom(null, '', '@b:s'),
    content,
    sticky: fc.option(fc.nat(), { nil: undefined }),
    depth: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    originServerTs: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  })
  .map(({ sticky, ...made }) => ({
    ...message,
    ...made,
    ...(sticky === undefined ? {} : { stickyDurationMs: sticky }),
    authEvents: [],
  }));

describe('a built event', () => {
  it('is what the steps of the specification make, one by one', () => {
    fc.assert(
      fc.property(parts, (made) => {
        const { event, eventId, json } = buildEvent(made);
        expect(json).toBe(canonicalJson(event));
        expect(event.hashes.sha256).toBe(contentHash(event));
        expect(eventId).toBe(eventIdOf(event, made.roomVersion));
        expect(isEventSignedBy(event, made.roomVersion, 's', findKey)).toBe(true);
        expect(Object.keys(event.signatures)).toEqual(['s']);
      }),
    );
  });

  it('keeps its id and signature when it is redacted', () => {
    fc.assert(
      fc.property(parts, (made) => {
        const { event, eventId } = buildEvent(made);
        const redacted = redact(event, made.roomVersion);
        expect(eventIdOf(redacted, made.roomVersion)).toBe(eventId);
        expect(isEventSignedBy(redacted, made.roomVersion, 's', findKey)).toBe(true);
      }),
    );
  });

  it('is the same event every time, byte for byte', () => {
    expect(buildEvent(message)).toEqual(buildEvent(message));
    expect(buildEvent(message).eventId).toBe('$rUIMB44M6AlIY7YUtXKIQJUymHkGCACFDP3wZKLBUWU');
  });

  it('has another id when anything that survives redaction, or the content, is another', () => {
    const others: EventParts[] = [
      { ...message, content: { body: 'other' } },
      { ...message, depth: 13 },
      { ...message, originServerTs: 5 },
      { ...message, stateKey: '' },
      { ...message, prevEvents: [someId(8)] },
      { ...message, stickyDurationMs: 5 },
    ];
    const ids = [message, ...others].map((made) => buildEvent(made).eventId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has no room id only where its hash is the id of the room', () => {
    const create = {
      ...message,
      roomVersion: roomVersions['12'],
      room: null,
      type: 'm.room.create',
      stateKey: '',
    };
    expect('room_id' in buildEvent(create).event).toBe(false);
    expect(buildEvent(message).event.room_id).toBe('!r:s');
  });
});

describe('a redaction', () => {
  const redaction: EventParts = {
    ...message,
    type: 'm.room.redaction',
    content: { reason: 'rude', redacts: someId(9) },
  };

  it('has its target at the top in version 10 and in its content from 11 on', () => {
    const built = (id: '10' | '11' | '12') =>
      buildEvent({ ...redaction, roomVersion: roomVersions[id] }).event;
    expect(built('10')).toMatchObject({ redacts: someId(9), content: { reason: 'rude' } });
    expect(built('10').content).not.toHaveProperty('redacts');
    for (const event of [built('11'), built('12')]) {
      expect(event.content).toEqual({ reason: 'rude', redacts: someId(9) });
      expect(event).not.toHaveProperty('redacts');
    }
  });

  it('shows clients its target in both places, in every version', () => {
    for (const version of Object.values(roomVersions)) {
      const { event, eventId } = buildEvent({ ...redaction, roomVersion: version });
      expect(toClientEvent(event, { eventId, version, room: null })).toEqual({
        type: 'm.room.redaction',
        content: { reason: 'rude', redacts: someId(9) },
        redacts: someId(9),
        sender: '@a:s',
        event_id: eventId,
        origin_server_ts: 1_700_000_000_000,
      });
    }
  });
});

it('clients see neither hashes, signatures nor the graph', () => {
  const { event, eventId } = buildEvent({ ...message, stateKey: '', stickyDurationMs: 7 });
  const view = { eventId, version: roomVersions['11'], room: '!r:s', unsigned: { age: 5 } };
  expect(toClientEvent(event, view)).toEqual({
    type: 'm.room.message',
    state_key: '',
    content: { body: 'hello' },
    sender: '@a:s',
    event_id: eventId,
    room_id: '!r:s',
    origin_server_ts: 1_700_000_000_000,
    msc4354_sticky: { duration_ms: 7 },
    unsigned: { age: 5 },
  });
});

describe('size', () => {
  const ofSize = (bytes: number): EventParts => {
    const empty = buildEvent({ ...message, content: { body: '' } }).json.length;
    return { ...message, content: { body: 'x'.repeat(bytes - empty) } };
  };
  const tooLarge = expect.objectContaining({ reason: 'too-large' });

  it('65,536 bytes are an event, 65,537 are not', () => {
    expect(buildEvent(ofSize(maxEventBytes)).json).toHaveLength(65_536);
    expect(() => buildEvent(ofSize(maxEventBytes + 1))).toThrow(tooLarge);
  });

  it('counts bytes, not characters', () => {
    expect(() => buildEvent({ ...message, content: { body: 'ü'.repeat(33_000) } })).toThrow(tooLarge);
  });

  it.each<[string, (value: string) => Partial<EventParts>]>([
    ['type', (value) => ({ type: value })],
    ['state_key', (value) => ({ stateKey: value })],
    ['sender', (value) => ({ sender: value })],
    ['room_id', (value) => ({ room: value })],
  ])('%s may have 255 bytes of UTF-8', (_name, set) => {
    expect(buildEvent({ ...message, ...set('ü'.repeat(127) + 'x') })).toBeDefined();
    expect(() => buildEvent({ ...message, ...set('ü'.repeat(128)) })).toThrow(tooLarge);
  });

  it('nothing that an event may become passes the bound of its draft', () => {
    fc.assert(
      fc.property(parts, fc.nat({ max: 8 }), ({ roomVersion, ...made }, missing) => {
        const draft = draftOf(made);
        const bound = finalSizeBound(draft, { roomVersion, serverName: 's', keyId: key.id });
        const selected = authEventKeys(
          { ...made, ...(made.stateKey !== null && { state_key: made.stateKey }) },
          roomVersion,
        );
        const authEvents = selected.slice(missing).map((_, n) => someId(n));
        const { json } = buildEvent({ ...made, roomVersion, authEvents });
        expect(Buffer.byteLength(json)).toBeLessThanOrEqual(bound);
        if (missing === 0 && made.depth > 1e15 && made.originServerTs > 1e15) {
          expect(Buffer.byteLength(json)).toBe(bound);
        }
      }),
    );
  });

  it('the bound is reached, so nothing smaller would do', () => {
    const made = { ...message, depth: Number.MAX_SAFE_INTEGER, originServerTs: Number.MAX_SAFE_INTEGER };
    const destination = { roomVersion: roomVersions['11'], serverName: 's', keyId: key.id };
    expect(finalSizeBound(draftOf(made), destination)).toBe(Buffer.byteLength(buildEvent(made).json));
  });

  it('the bound of a draft that can never be an event is an error', () => {
    const destination = { roomVersion: roomVersions['11'], serverName: 's', keyId: key.id };
    expect(() => finalSizeBound(draftOf({ ...message, type: 'x'.repeat(256) }), destination)).toThrow(
      tooLarge,
    );
    expect(() => finalSizeBound(draftOf({ ...message, content: { a: 1.5 } }), destination)).toThrow(BadEvent);
  });
});

function draftOf(made: Omit<EventParts, 'roomVersion'>): Draft {
  const { sender, type, stateKey, content: body, stickyDurationMs } = made;
  const extras = stickyDurationMs === undefined ? {} : { stickyDurationMs };
  return { room: made.room ?? '', sender, type, stateKey, content: body, extras };
}

describe('an event is refused as malformed', () => {
  const nested = (depth: number): JsonObject =>
    JSON.parse('{"a":'.repeat(depth - 1) + '{}' + '}'.repeat(depth - 1));

  it.each<[string, Partial<EventParts>]>([
    ['with a fraction in its content', { content: { a: 0.5 } }],
    ['with half a surrogate pair in its type', { type: '\ud83d' }],
    ['with half a surrogate pair in its state key', { stateKey: '\ud83d' }],
    ['with a timestamp that is no integer', { originServerTs: 1.5 }],
    ['nested too deeply', { content: nested(maxJsonDepth) }],
  ])('%s', (_name, change) => {
    expect(() => buildEvent({ ...message, ...change })).toThrow(
      expect.objectContaining({ reason: 'malformed' }),
    );
  });

  it('but not where its content is nested as deeply as may be', () => {
    expect(buildEvent({ ...message, content: nested(maxJsonDepth - 1) }).eventId).toMatch(/^\$[\w-]{43}$/);
  });
});

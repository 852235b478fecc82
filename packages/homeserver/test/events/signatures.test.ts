import type { JsonObject } from '@matrix-futures/engine';
import { describe, expect, it } from 'vitest';
import { contentHash, eventIdOf } from '../../src/events/hashes.ts';
import { objectMember, stringMember } from '../../src/events/json-member.ts';
import type { Pdu } from '../../src/events/pdu.ts';
import { redact } from '../../src/events/redact.ts';
import { isEventSignedBy, isSignedBy, signJson } from '../../src/events/signatures.ts';
import {
  formatSigningKey,
  formatVerifyKey,
  generateSigningKey,
  parseSigningKey,
  parseVerifyKey,
} from '../../src/events/signing-key.ts';
import { roomVersions } from '../../src/room-versions/room-version.ts';
import { federatedEvents } from './federated-events.ts';

// Matrix specification, appendices, "Cryptographic Test Vectors": the seed there ends in 1, two bits of which no byte
// needs; it is written back with a 0.
const seedLine = 'ed25519:1 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1';

function specKey() {
  const key = parseSigningKey(seedLine);
  if (key === null) throw new Error('the vector is a key');
  return key;
}

/** The steps of "Adding hashes and signatures to outgoing events", one by one. */
function hashAndSign(event: JsonObject, version = roomVersions['10']): JsonObject {
  const hashed = { ...event, hashes: { sha256: contentHash(event) } };
  const signed = signJson(redact(hashed, version), 'domain', specKey());
  return { ...hashed, signatures: objectMember(signed, 'signatures') ?? {} };
}

describe('the vectors of the specification', () => {
  it('JSON signing: an empty object', () => {
    expect(signJson({}, 'domain', specKey())).toEqual({
      signatures: {
        domain: {
          'ed25519:1':
            'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ',
        },
      },
    });
  });

  it('JSON signing: an object with data', () => {
    const signed = signJson({ one: 1, two: 'Two' }, 'domain', specKey());
    expect(signed.signatures).toEqual({
      domain: {
        'ed25519:1': 'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw',
      },
    });
  });

  it('event signing: the smallest event', () => {
    const event = {
      room_id: '!x:domain',
      sender: '@a:domain',
      origin: 'domain',
      origin_server_ts: 1_000_000,
      signatures: {},
      hashes: {},
      type: 'X',
      content: {},
      prev_events: [],
      auth_events: [],
      depth: 3,
      unsigned: { age_ts: 1_000_000 },
    };
    expect(hashAndSign(event)).toEqual({
      ...event,
      hashes: { sha256: '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos' },
      signatures: {
        domain: {
          'ed25519:1':
            'KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg',
        },
      },
    });
  });

  it('event signing: an event whose content redaction takes away', () => {
    const event = {
      content: { body: 'Here is the message content' },
      event_id: '$0:domain',
      origin: 'domain',
      origin_server_ts: 1_000_000,
      type: 'm.room.message',
      room_id: '!r:domain',
      sender: '@u:domain',
      signatures: {},
      unsigned: { age_ts: 1_000_000 },
    };
    expect(hashAndSign(event)).toEqual({
      ...event,
      hashes: { sha256: 'onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g' },
      signatures: {
        domain: {
          'ed25519:1':
            'Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA',
        },
      },
    });
  });
});

describe.each(Object.entries(federatedEvents))(
  '%s',
  (_name, { version, eventId, json, keys, isRedacted = false }) => {
    const event: Pdu = JSON.parse(json);
    const rules = roomVersions[version];

    it('has the id that its room knows it by', () => {
      expect(eventIdOf(event, rules)).toBe(eventId);
    });

    it('keeps its id when it is redacted', () => {
      expect(eventIdOf(redact(event, rules), rules)).toBe(eventId);
    });

    it('has the content hash that its server wrote, unless it is redacted', () => {
      expect(contentHash(event) === event.hashes.sha256).toBe(!isRedacted);
    });

    it('is signed by its servers, and not once a member that survives redaction is another', () => {
      for (const [server, ofServer] of Object.entries(keys)) {
        const find = (keyId: string) => parseVerifyKey(ofServer[keyId] ?? '') ?? undefined;
        expect(isEventSignedBy(event, rules, server, find)).toBe(true);
        expect(isEventSignedBy(redact(event, rules), rules, server, find)).toBe(true);
        expect(isEventSignedBy({ ...event, depth: event.depth + 1 }, rules, server, find)).toBe(false);
        expect(isEventSignedBy({ ...event, content: { membership: 'ban' } }, rules, server, find)).toBe(
          event.type === 'm.room.message',
        );
      }
    });
  },
);

describe('checking a signature', () => {
  const key = specKey();
  const find = (id: string) => (id === key.id ? key.verifyKey : undefined);
  const signed = signJson({ one: 1 }, 'domain', key);

  it('accepts what was signed, whatever is unsigned', () => {
    expect(isSignedBy(signed, 'domain', find)).toBe(true);
    expect(isSignedBy({ ...signed, unsigned: { age: 5 } }, 'domain', find)).toBe(true);
  });

  it('keeps the signatures of others', () => {
    const both = signJson(signed, 'other', key);
    expect(isSignedBy(both, 'domain', find) && isSignedBy(both, 'other', find)).toBe(true);
  });

  it.each<[string, JsonObject]>([
    ['another value', { ...signed, one: 2 }],
    ['no signatures', { one: 1 }],
    ['signatures that are no object', { ...signed, signatures: 'yes' }],
    ['a signature that is no string', { ...signed, signatures: { domain: { [key.id]: 5 } } }],
    ['a signature that is not base64', { ...signed, signatures: { domain: { [key.id]: '!' } } }],
    ['a signature of the wrong length', { ...signed, signatures: { domain: { [key.id]: 'AAAA' } } }],
    ['an algorithm nobody knows', { ...signed, signatures: { domain: { 'curve:1': 'AAAA' } } }],
    ['a key nobody knows', signJson({ one: 1 }, 'domain', { ...key, id: 'ed25519:2' })],
    ['the signature of another server', signJson({ one: 1 }, 'other', key)],
    ['a server named like a property of every object', { ...signed, signatures: {} }],
  ])('refuses %s', (name, object) => {
    expect(isSignedBy(object, name.startsWith('a server named') ? 'constructor' : 'domain', find)).toBe(
      false,
    );
  });
});

describe('signing keys', () => {
  it('are drawn from the randomness handed in, version and all', () => {
    const randomness = { bytes: (length: number) => new Uint8Array(length).fill(7) };
    expect(formatSigningKey(generateSigningKey(randomness))).toBe(
      'ed25519:a_07070707 BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc\n',
    );
  });

  it('are read back as they were written', () => {
    expect(formatSigningKey(specKey())).toBe(seedLine.replace(/1$/, '0\n'));
    expect(formatVerifyKey(specKey().verifyKey)).toBe('XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI');
  });

  it.each([
    '',
    'ed25519:1',
    'ed25519:1 AAAA',
    'rsa:1 ' + 'A'.repeat(43),
    seedLine + ' x',
    seedLine + '\n' + seedLine,
  ])('are refused where the line is %j', (line) => {
    expect(parseSigningKey(line)).toBe(null);
  });

  it('of others are 32 bytes in any spelling of base64, or nothing', () => {
    const standard = 'lVt/CC3tv74OH6xTph2JrUmeRj/j+1q0HVa0Xf4QlCg';
    const read = [standard, standard + '=', standard.replaceAll('/', '_').replaceAll('+', '-')].map(
      parseVerifyKey,
    );
    expect(read.map((key) => key && formatVerifyKey(key))).toEqual([standard, standard, standard]);
    expect([parseVerifyKey('AAAA'), parseVerifyKey('*'), parseVerifyKey('')]).toEqual([null, null, null]);
  });
});

it('members that the JSON text did not have are not found', () => {
  expect(stringMember({}, 'constructor')).toBe(undefined);
  expect(objectMember(JSON.parse('{"__proto__":{"a":1}}'), '__proto__')).toEqual({ a: 1 });
});

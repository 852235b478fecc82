import type { JsonObject, JsonValue } from '@matrix-futures/engine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadEvent } from '../../src/events/bad-event.ts';
import { canonicalJson, maxJsonDepth } from '../../src/events/canonical-json.ts';

/** JSON with integers in the allowed range, any well-formed strings, and keys that objects have by nature. */
const key = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', '10', '9', ''),
);
const json = fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value')),
    tie('object'),
  ),
  object: fc.array(fc.tuple(key, tie('value'))).map((members) => Object.fromEntries(members)),
})).value;

describe('the examples of the specification', () => {
  it.each([
    ['{}', '{}'],
    ['{"one": 1, "two": "Two"}', '{"one":1,"two":"Two"}'],
    ['{"b": "2", "a": "1"}', '{"a":"1","b":"2"}'],
    ['{"b":"2","a":"1"}', '{"a":"1","b":"2"}'],
    [
      `{"auth": {"success": true, "mxid": "@john.doe:example.com", "profile": {"display_name": "John Doe",
        "three_pids": [{"medium": "email", "address": "john.doe@example.org"},
        {"medium": "msisdn", "address": "123456789"}]}}}`,
      '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}',
    ],
    ['{"a": "日本語"}', '{"a":"日本語"}'],
    ['{"本": 2, "日": 1}', '{"日":1,"本":2}'],
    [String.raw`{"a": "\u65E5"}`, '{"a":"日"}'],
    ['{"a": null}', '{"a":null}'],
    ['{"a": -0, "b": 1e10}', '{"a":0,"b":10000000000}'],
  ])('%s', (text, canonical) => {
    expect(canonicalJson(JSON.parse(text))).toBe(canonical);
  });
});

describe('canonical JSON', () => {
  it('says what the value said, and says it alike the second time', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it('does not depend on the order in which members were written', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(key, json), { selector: ([name]) => name }), (members) => {
        const backwards = Object.fromEntries(members.toReversed());
        expect(canonicalJson(backwards)).toBe(canonicalJson(Object.fromEntries(members)));
      }),
    );
  });

  it('sorts keys as their UTF-8 bytes sort, which is by code point', () => {
    const high = fc.string({
      unit: fc.constantFrom('a', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{1f408}'),
    });
    fc.assert(
      fc.property(fc.uniqueArray(high), (keys) => {
        const written = canonicalJson(Object.fromEntries(keys.map((name) => [name, 1])));
        const byBytes = keys.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
        expect(written).toBe(`{${byBytes.map((name) => `${JSON.stringify(name)}:1`).join(',')}}`);
      }),
    );
  });

  it('escapes what must be escaped, the shortest way, and nothing else', () => {
    expect(canonicalJson('"\\/\b\f\n\r\t\u0000\u001f\u007f\u2028é')).toBe(
      String.raw`"\"\\/\b\f\n\r\t\u0000\u001f` + '\u007f\u2028é"',
    );
  });

  it('keeps __proto__ as a member like any other', () => {
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":2}}'))).toBe('{"__proto__":{"a":2},"b":1}');
  });

  it.each([
    ['a fraction', '{"a":1.5}'],
    ['a number above 2^53 - 1', '[9007199254740992]'],
    ['a number below -(2^53 - 1)', '[-9007199254740992]'],
    ['a number beyond every number', '1e400'],
    ['half a surrogate pair', String.raw`"\ud83d"`],
    ['half a surrogate pair in a key', String.raw`{"\udc08":1}`],
    ['the halves in the wrong order', String.raw`"\udc08\ud83d"`],
  ])('refuses %s', (_name, text) => {
    expect(() => canonicalJson(JSON.parse(text))).toThrow(BadEvent);
  });

  it('takes the largest numbers', () => {
    expect(canonicalJson([9007199254740991, -9007199254740991])).toBe('[9007199254740991,-9007199254740991]');
  });

  it('refuses what is nested too deeply, however deeply', () => {
    const nested = (depth: number): JsonValue => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
    expect(canonicalJson(nested(maxJsonDepth))).toHaveLength(2 * maxJsonDepth);
    expect(() => canonicalJson(nested(maxJsonDepth + 1))).toThrow(BadEvent);
    expect(() => canonicalJson(nested(30_000))).toThrow(BadEvent);
  });
});

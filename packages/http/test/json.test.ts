import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson } from '@matrix-futures/http';

const parse = (text: string) => parseJson(Buffer.from(text));
const refusal = (bytes: Uint8Array): string => {
  try {
    parseJson(bytes);
  } catch (error) {
    return (error as { errcode: string }).errcode;
  }
  return 'none';
};

describe('JSON from outside', () => {
  test('is what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8, stringUnit: 'grapheme' }), (text) => {
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test.each(['', ' ', '{', '{"a":1,}', "{'a':1}", 'NaN', '[1] 2', '{"a":\u0001}', '\u{feff}{}'])(
    'that is not JSON is M_NOT_JSON: %j',
    (text) => {
      expect(refusal(Buffer.from(text))).toBe('M_NOT_JSON');
    },
  );

  test.each([
    ['a byte that starts nothing', [0x22, 0xff, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['half of a surrogate pair as three bytes', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a character cut short', [0x22, 0xe2, 0x82, 0x22]],
  ])('that is not UTF-8 is M_NOT_JSON: %s', (_name, bytes) => {
    expect(refusal(Buffer.from(bytes))).toBe('M_NOT_JSON');
  });

  test.each(['"\\ud800"', '{"a":["\\udc00 "]}', '{"\\ud800":1}'])(
    'with half of a surrogate pair is M_BAD_JSON: %s',
    (text) => {
      expect(refusal(Buffer.from(text))).toBe('M_BAD_JSON');
    },
  );

  test('keeps a whole surrogate pair', () => {
    expect(parse('"\\ud83d\\ude00"')).toBe('😀');
  });

  test('may be nested 100 levels deep and no deeper', () => {
    const nested = (pairs: number, inner: string) => '[{"a":'.repeat(pairs) + inner + '}]'.repeat(pairs);
    expect(refusal(Buffer.from(nested(50, '1')))).toBe('none');
    expect(refusal(Buffer.from(nested(50, '[]')))).toBe('M_BAD_JSON');
  });

  test('of a megabyte of brackets is refused without a stack overflow', () => {
    expect(refusal(Buffer.from('['.repeat(500_000) + ']'.repeat(500_000)))).toBe('M_BAD_JSON');
  });

  test('keeps __proto__ as a key like any other', () => {
    const value = parse('{"__proto__":{"admin":true},"a":1}');
    expect(Object.keys(value as object)).toEqual(['__proto__', 'a']);
    expect(value).not.toHaveProperty('admin');
    expect(JSON.stringify(value)).toBe('{"__proto__":{"admin":true},"a":1}');
  });

  test('leaves numbers alone, which canonical JSON judges', () => {
    expect(parse('[1.5,1e30,-0]')).toEqual([1.5, 1e30, -0]);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Tokens } from '../src/index.ts';

const key = (fill: number) => new Uint8Array(32).fill(fill);
const kinds = ['send', 'refresh', 'cancel', 'delay'] as const;
const nonces = fc.record({
  high: fc.integer({ min: 0, max: 0xffffffff }),
  low: fc.integer({ min: 0, max: 0xffffffff }),
});

describe('tokens', () => {
  test('reads back what it made, for every kind, id and nonce', () => {
    const tokens = new Tokens([key(1)]);
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.integer({ min: 1, max: 2 ** 48 - 1 }),
        nonces,
        (kind, future, nonce) => {
          const token = tokens.make(kind, future, nonce);
          expect(token).toMatch(/^[A-Za-z0-9_-]{22}$/);
          expect(tokens.read(token)).toEqual({ kind, future, nonce });
        },
      ),
    );
  });

  test('all kinds of one future look alike and share nothing', () => {
    const tokens = new Tokens([key(1)]);
    const made = kinds.map((kind) => tokens.make(kind, 7, { high: 1, low: 2 }));
    expect(new Set(made.map((token) => token.slice(0, 4))).size).toBe(4);
  });

  test('a token of another key, changed by one character, or of another length is none', () => {
    const tokens = new Tokens([key(1)]);
    const token = tokens.make('send', 7, { high: 1, low: 2 });
    expect(new Tokens([key(2)]).read(token)).toBeNull();
    for (const wrong of ['', token.slice(1), `${token}A`, `${token}==`, 'x'.repeat(10_000), '🦊'.repeat(11)])
      expect(tokens.read(wrong)).toBeNull();
    const changed = tokens.read((token.startsWith('A') ? 'B' : 'A') + token.slice(1));
    expect(changed?.nonce).not.toEqual({ high: 1, low: 2 });
  });

  test('each token has one spelling', () => {
    const tokens = new Tokens([key(1)]);
    const token = tokens.make('send', 7, { high: 1, low: 2 });
    const last = token.at(-1) ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const sibling = alphabet[alphabet.indexOf(last) + 1] ?? '';
    expect(tokens.read(token.slice(0, -1) + sibling)).toBeNull();
  });

  test('after a rotation old tokens still read, and new ones are of the new key', () => {
    const before = new Tokens([key(1)]);
    const after = new Tokens([key(1), key(2)]);
    expect(after.read(before.make('cancel', 7, { high: 1, low: 2 }))?.kind).toBe('cancel');
    expect(before.read(after.make('cancel', 7, { high: 1, low: 2 }))).toBeNull();
  });

  test('a transaction id stays the same through rotations, and is no token', () => {
    const before = new Tokens([key(1)]);
    const after = new Tokens([key(1), key(2)]);
    expect(after.transactionId('future', 7)).toBe(before.transactionId('future', 7));
    expect(before.transactionId('future', 7)).not.toBe(before.transactionId('group', 7));
    expect(before.read(before.transactionId('future', 7))).toBeNull();
  });
});

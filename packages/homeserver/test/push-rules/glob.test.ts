import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Effort } from '../../src/push-rules/effort.ts';
import * as glob from '../../src/push-rules/glob.ts';

const enough = () => new Effort(Infinity);
const globMatches = (pattern: string, value: string) => glob.globMatches(pattern, value, enough());
const globMatchesWords = (pattern: string, value: string) => glob.globMatchesWords(pattern, value, enough());
const containsWords = (value: string, words: string) => glob.containsWords(value, words, enough());

/** The same pattern as a regular expression: slower to judge by hand-made input, but written by somebody else. */
function asRegExp(pattern: string, extent: 'whole' | 'words'): RegExp {
  const body = [...pattern.toLowerCase()]
    .map((character) =>
      character === '*'
        ? '[^]*'
        : character === '?'
          ? '[^]'
          : character.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&'),
    )
    .join('');
  return extent === 'whole'
    ? new RegExp(`^${body}$`, 'u')
    : new RegExp(`(?<![a-z0-9_])${body}(?![a-z0-9_])`, 'u');
}

const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'B', '.', ' ', '_'), maxLength: 12 });
const patterns = fc.string({
  unit: fc.constantFrom('a', 'b', '.', ' ', '*', '?'),
  minLength: 1,
  maxLength: 8,
});

describe('glob patterns of push rules', () => {
  test('match a whole value as the regular expression of the same meaning does', () => {
    fc.assert(
      fc.property(patterns, letters, (pattern, value) => {
        expect(globMatches(pattern, value)).toBe(asRegExp(pattern, 'whole').test(value.toLowerCase()));
      }),
    );
  });

  test('match words as the regular expression of the same meaning does', () => {
    fc.assert(
      fc.property(patterns, letters, (pattern, value) => {
        expect(globMatchesWords(pattern, value)).toBe(asRegExp(pattern, 'words').test(value.toLowerCase()));
      }),
    );
  });

  test.each([
    ['lunc?*', 'Lunch plans', true],
    ['lunc?*', 'LUNCH', true],
    ['lunc?*', ' lunch', false],
    ['lunc?*', 'lunc', false],
  ])('%s on the whole of "%s": %s (the specification\'s example)', (pattern, value, matches) => {
    expect(globMatches(pattern, value)).toBe(matches);
  });

  test.each([
    ['ex*ple', 'An example event.', true],
    ['ex*ple', 'exple', true],
    ['ex*ple', 'An exciting triple-whammy', true],
    ['ex*ple', 'examples', false],
    ['@room', 'hello @room!', true],
    ['@room', 'mail@room', false],
  ])('%s among the words of "%s": %s', (pattern, value, matches) => {
    expect(globMatchesWords(pattern, value)).toBe(matches);
  });

  test('a pattern made to make a regular expression backtrack for minutes takes its length for each character', () => {
    const pattern = `${'a*'.repeat(100)}b`;
    const value = `${'a'.repeat(20_000)}c`;
    const steps = (pattern.length + 1) * (value.length + 1);
    const effort = new Effort(steps);
    expect(glob.globMatchesWords(pattern, value, effort)).toBe(false);
    expect(effort.spend(0)).toBe(true);
  });

  test.each([
    ['a pattern', 'h*o'],
    ['a text', 'hello'],
  ])('%s matches nothing where the effort is spent', (_, pattern) => {
    expect(glob.globMatchesWords(pattern, 'hello', new Effort(100))).toBe(true);
    expect(glob.globMatchesWords(pattern, 'hello', new Effort(1))).toBe(false);
  });

  test('a display name with the characters of a pattern is taken as it is', () => {
    expect(containsWords('hello a*b, how are you', 'A*b')).toBe(true);
    expect(containsWords('hello axxb, how are you', 'A*b')).toBe(false);
  });
});

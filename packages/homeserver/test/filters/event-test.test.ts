import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventTest, roomTest } from '../../src/filters/event-test.ts';
import { parseFilter } from '../../src/filters/filter.ts';

const event = (type: string, sender = '@a:x', content = {}) => ({ type, sender, content: () => content });

describe('filters of events', () => {
  test('an empty filter asks nothing', () => {
    expect(eventTest({})).toBeNull();
    expect(roomTest({})).toBeNull();
  });

  test('a type may hold stars for any run of characters, as a regular expression would', () => {
    const text = fc.string({ unit: fc.constantFrom('m', '.', 'r'), maxLength: 10 });
    const glob = fc.string({ unit: fc.constantFrom('m', '.', 'r', '*'), maxLength: 6 });
    fc.assert(
      fc.property(glob, text, (pattern, type) => {
        const expected = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(type);
        expect(eventTest({ types: [pattern] })?.(event(type))).toBe(expected);
        expect(eventTest({ not_types: [pattern] })?.(event(type))).toBe(!expected);
      }),
    );
  });

  test('an empty list of types lets nothing pass', () => {
    expect(eventTest({ types: [] })?.(event('m.room.message'))).toBe(false);
  });

  test('what is excluded stays out although it is listed', () => {
    const passes = eventTest({
      types: ['m.*'],
      not_types: ['m.room.*'],
      senders: ['@a:x', '@b:x'],
      not_senders: ['@b:x'],
    });
    expect(passes?.(event('m.reaction'))).toBe(true);
    expect(passes?.(event('m.room.message'))).toBe(false);
    expect(passes?.(event('m.reaction', '@b:x'))).toBe(false);
    const rooms = roomTest({ rooms: ['!a', '!b'], not_rooms: ['!b'] });
    expect([rooms?.('!a'), rooms?.('!b'), rooms?.('!c')]).toEqual([true, false, false]);
  });

  test('contains_url asks for a member of the content, not of its prototype', () => {
    expect(eventTest({ contains_url: true })?.(event('m', '@a:x', { url: 1 }))).toBe(true);
    expect(eventTest({ contains_url: true })?.(event('m'))).toBe(false);
    expect(eventTest({ contains_url: false })?.(event('m'))).toBe(true);
  });
});

describe('a filter as JSON', () => {
  test.each([
    '',
    '{',
    '[]',
    '1',
    '{"room":1}',
    '{"room":{"timeline":{"limit":1.5}}}',
    '{"room":{"timeline":{"types":"x"}}}',
  ])('refused: %s', (json) => {
    expect(parseFilter(json)).toBeNull();
  });

  test('members that nobody knows are kept', () => {
    expect(parseFilter('{"org.example":1,"room":{}}')).toEqual({ 'org.example': 1, room: {} });
  });
});

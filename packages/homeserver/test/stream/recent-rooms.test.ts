import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecentRooms } from '../../src/stream/recent-rooms.ts';

test('no room that changed after a position is missed, and no other is named once the position is known', () => {
  const room = fc.integer({ min: 0, max: 30 }).map((number) => `!${number}`);
  fc.assert(
    fc.property(
      fc.array(room, { maxLength: 3_000 }),
      fc.array(room, { maxLength: 20 }),
      fc.integer({ min: 0, max: 3_000 }),
      (changes, asked, position) => {
        const recent = new RecentRooms(10);
        for (const [index, changed] of changes.entries()) recent.touch(changed, 11 + index);
        const changed = new Set(changes.slice(Math.max(0, position - 10)));
        const candidates = new Set(asked);
        const expected = position < 10 ? candidates : candidates.intersection(changed);
        expect(new Set(recent.changedSince(position, candidates))).toEqual(expected);
      },
    ),
    { numRuns: 50 },
  );
});

test('each changed room is named once', () => {
  const recent = new RecentRooms(0);
  for (const position of [1, 2, 3]) recent.touch('!a', position);
  expect(recent.changedSince(0, new Set(['!a', '!b', '!c', '!d', '!e']))).toEqual(['!a']);
});

test('after it has forgotten, every room may have changed before', () => {
  const recent = new RecentRooms(0);
  recent.touch('!a', 5);
  recent.forget(7);
  const rooms = new Set(['!a', '!b']);
  expect(recent.changedSince(6, rooms)).toEqual(['!a', '!b']);
  expect(recent.changedSince(7, rooms)).toEqual([]);
  recent.touch('!b', 8);
  expect(recent.changedSince(7, rooms)).toEqual(['!b']);
});

test('of very many rooms the oldest changes are let go, and asked about again', () => {
  const recent = new RecentRooms(0);
  for (let position = 1; position <= 200_000; position += 1) recent.touch(`!${position}`, position);
  const rooms = new Set(['!1', '!200000']);
  expect(recent.changedSince(199_999, rooms)).toEqual(['!200000']);
  expect(recent.changedSince(0, rooms)).toEqual(['!1', '!200000']);
});

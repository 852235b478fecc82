import { expect, test } from 'vitest';
import { Timestamps } from '../../src/delivery/timestamps.ts';
import { draft } from './gateway.ts';

test('groups that want the same millisecond for a sender, room and type get one after the other', () => {
  const timestamps = new Timestamps();
  expect([1, 2, 3].map((group) => timestamps.give(draft({ content: { group } }), 1_000, group))).toEqual([
    1_000, 1_001, 1_002,
  ]);
  expect(timestamps.give(draft(), 1_001, 4)).toBe(1_003);
  expect(timestamps.give(draft(), 999, 5)).toBe(999);
});

test('another sender, room or type has milliseconds of its own', () => {
  const timestamps = new Timestamps();
  timestamps.give(draft(), 1_000, 1);
  for (const other of [{ sender: '@bob:s' }, { room: '!b' }, { type: 'm.other' }])
    expect(timestamps.give(draft(other), 1_000, 2)).toBe(1_000);
});

test('a group that asks again gets what it got', () => {
  const timestamps = new Timestamps();
  timestamps.note(draft(), 1_000, 7);
  expect(timestamps.give(draft(), 1_000, 8)).toBe(1_001);
  expect(timestamps.give(draft(), 1_000, 8)).toBe(1_001);
});

test('what is long past is forgotten, and the last 4,096 are not', () => {
  const timestamps = new Timestamps();
  for (let group = 0; group < 4_097; group += 1) timestamps.give(draft(), group, group);
  expect(timestamps.give(draft(), 1, 5_000)).toBe(4_097);
  expect(timestamps.give(draft(), 0, 5_001)).toBe(0);
});

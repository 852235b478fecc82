import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeviceSyncs } from '../src/device-syncs.ts';

const user = '@alice:test';

function setup(kept?: number) {
  const clock = { at: 0, now: () => clock.at, wall: () => clock.at };
  return { clock, syncs: new DeviceSyncs(clock, kept) };
}

describe('when a device was last syncing', () => {
  test('is now while a poll of it is open, and then the end of the last one', () => {
    const { clock, syncs } = setup();
    const [first, second] = [syncs.begin(user, 'D'), syncs.begin(user, 'D')];
    clock.at = 5;
    first();
    first();
    clock.at = 9;
    expect(syncs.lastOf(user, 'D')).toBe(9);
    second();
    clock.at = 20;
    expect(syncs.lastOf(user, 'D')).toBe(9);
    expect(syncs.lastOf(user, 'E')).toBe(-Infinity);
    expect(syncs.lastOf('@bob:test', 'D')).toBe(-Infinity);
  });

  test('is the start for all that is not known, because it may have synced until then', () => {
    const { clock, syncs } = setup();
    clock.at = 100;
    syncs.start();
    clock.at = 200;
    expect(syncs.lastOf(user, 'D')).toBe(100);
  });

  test('is never earlier than the truth, however few devices are remembered', () => {
    const syncing = fc.record({
      device: fc.constantFrom('A', 'B', 'C', 'D'),
      takes: fc.nat(3),
      waits: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.nat(3), fc.array(syncing), (kept, polls) => {
        const { clock, syncs } = setup(kept);
        const truth = new Map<string, number>();
        for (const { device, takes, waits } of polls) {
          const over = syncs.begin(user, device);
          clock.at += takes;
          over();
          truth.set(device, clock.at);
          clock.at += waits;
          for (const [one, at] of truth) expect(syncs.lastOf(user, one)).toBeGreaterThanOrEqual(at);
        }
      }),
    );
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdIndex } from '../src/id-index.ts';

const ids = fc.oneof(
  fc.nat(50),
  fc.nat(2_000),
  fc.integer({ min: 2 ** 31 - 5, max: 2 ** 32 + 5 }),
  fc.maxSafeNat().map((id) => id % 2 ** 48),
);

test('finds what was added and not removed, whatever came in between', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), ids), { maxLength: 600, size: 'max' }), (operations) => {
      const slots: number[] = [];
      const model = new Map<number, number>();
      const index = new IdIndex((slot) => slots[slot] ?? -1);
      for (const [add, id] of operations) {
        if (add && !model.has(id)) {
          model.set(id, slots.push(id) - 1);
          index.add(id, slots.length - 1);
        } else if (!add && model.has(id)) {
          index.remove(id);
          model.delete(id);
        }
      }
      for (const [, id] of operations) expect(index.find(id)).toBe(model.get(id) ?? -1);
    }),
    { numRuns: 100 },
  );
});

test('holds ids that count up, in and out, as the store gives them out', () => {
  const index = new IdIndex((slot) => slot + 1);
  for (let id = 1; id <= 200_000; id += 1) {
    index.add(id, id - 1);
    if (id > 50_000) index.remove(id - 50_000);
  }
  const found = [149_999, 150_000, 150_001, 200_000, 200_001].map((id) => index.find(id));
  expect(found).toEqual([-1, -1, 150_000, 199_999, -1]);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TimerWheel } from '@matrix-futures/timers';

const YEAR = 365.25 * 24 * 3_600_000;
const T0 = 1_765_000_000_000;

type Visit = [slot: number, deadline: number];

function expireAll(wheel: TimerWheel, now: number, limit = Infinity): Visit[] {
  const visits: Visit[] = [];
  const visit = (slot: number, deadline: number) => void visits.push([slot, deadline]);
  do wheel.expire(now, limit, visit);
  while ((wheel.next() ?? Infinity) <= now);
  return visits;
}

const inOrder = (a: Visit, b: Visit) => a[1] - b[1] || a[0] - b[0];

describe('a single timer', () => {
  test('is never visited before its deadline, and is at it', () => {
    for (const delay of [1, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32, 2 ** 40, 100 * YEAR]) {
      const wheel = new TimerWheel({ now: T0 });
      wheel.set(3, T0 + delay);
      expect(expireAll(wheel, T0 + delay - 0.001)).toEqual([]);
      expect(expireAll(wheel, T0 + delay)).toEqual([[3, T0 + delay]]);
      expect(wheel.size).toBe(0);
    }
  });

  test('wakes its owner once: next() is its very deadline, however far away', () => {
    for (const delay of [0, 1, 300, 70_000, 20_000_000, 100 * YEAR]) {
      const wheel = new TimerWheel({ now: T0 + 0.5 });
      wheel.set(0, T0 + delay);
      expect(wheel.next()).toBe(T0 + delay);
      let visited = 0;
      wheel.expire(T0 + delay, 1, () => (visited += 1));
      expect(visited).toBe(1);
      expect(wheel.next()).toBe(null);
    }
  });

  test('with a deadline that has passed is due at once', () => {
    const wheel = new TimerWheel({ now: T0 });
    wheel.set(1, 0);
    expect(wheel.next()).toBe(0);
    expect(expireAll(wheel, T0)).toEqual([[1, 0]]);
  });

  test('that is moved is due at its new deadline only, earlier or later', () => {
    const wheel = new TimerWheel({ now: T0 });
    wheel.set(1, T0 + 1000);
    wheel.set(2, T0 + 1000);
    wheel.set(1, T0 + 500);
    wheel.set(2, T0 + 90_000);
    expect(expireAll(wheel, T0 + 1000)).toEqual([[1, T0 + 500]]);
    expect(expireAll(wheel, T0 + 90_000)).toEqual([[2, T0 + 90_000]]);
  });

  test('that is cancelled is not visited, and cancelling again says so', () => {
    const wheel = new TimerWheel({ now: T0 });
    wheel.set(1, T0 + 10);
    expect(wheel.has(1)).toBe(true);
    expect(wheel.deadline(1)).toBe(T0 + 10);
    expect(wheel.cancel(1)).toBe(true);
    expect(wheel.cancel(1)).toBe(false);
    expect(wheel.has(1)).toBe(false);
    expect(wheel.deadline(1)).toBe(null);
    expect(wheel.next()).toBe(null);
    expect(expireAll(wheel, T0 + 10)).toEqual([]);
  });

  test('keeps waiting when the clock is put back', () => {
    const wheel = new TimerWheel({ now: T0 });
    wheel.set(1, T0 + 1000);
    wheel.set(2, T0 + 2000);
    expect(expireAll(wheel, T0 + 1000)).toEqual([[1, T0 + 1000]]);
    wheel.set(3, T0 + 700);
    expect(expireAll(wheel, T0 - 5000)).toEqual([]);
    expect(expireAll(wheel, T0 + 2000)).toEqual([
      [3, T0 + 700],
      [2, T0 + 2000],
    ]);
  });
});

describe('expire', () => {
  test('visits no more than its limit, and the rest afterwards', () => {
    const wheel = new TimerWheel({ now: T0 });
    for (let slot = 0; slot < 10; slot += 1) wheel.set(slot, T0 + 5);
    const visited: number[] = [];
    const visit = (slot: number) => void visited.push(slot);
    expect(wheel.expire(T0 + 5, 4, visit)).toBe(4);
    expect(wheel.size).toBe(6);
    expect(wheel.next()).toBe(T0 + 5);
    expect(wheel.expire(T0 + 5, 100, visit)).toBe(6);
    expect(visited).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('has taken a slot out before it visits it', () => {
    const wheel = new TimerWheel({ now: T0 });
    wheel.set(1, T0);
    wheel.expire(T0, 1, (slot) => expect(wheel.has(slot)).toBe(false));
    expect.assertions(1);
  });

  test('lets a visit cancel what is due, move it, and set itself again', () => {
    const wheel = new TimerWheel({ now: T0 });
    for (const slot of [1, 2, 3, 4]) wheel.set(slot, T0 + 10);
    const visited: Visit[] = [];
    wheel.expire(T0 + 20, 10, (slot, deadline) => {
      visited.push([slot, deadline]);
      if (visited.length > 1) return;
      wheel.cancel(2);
      wheel.set(3, T0 + 30);
      wheel.set(1, T0 + 20);
      wheel.set(9, T0 + 1);
    });
    expect(visited).toEqual([
      [1, T0 + 10],
      [9, T0 + 1],
      [4, T0 + 10],
      [1, T0 + 20],
    ]);
    expect(expireAll(wheel, T0 + 30)).toEqual([[3, T0 + 30]]);
  });

  test('ends at its limit also when a visit sets itself in the past for ever', () => {
    const wheel = new TimerWheel({ now: T0 });
    wheel.set(1, T0);
    expect(wheel.expire(T0, 7, (slot) => wheel.set(slot, T0))).toBe(7);
  });

  test('throws on what a visit throws and keeps the others', () => {
    const wheel = new TimerWheel({ now: T0 });
    wheel.set(1, T0);
    wheel.set(2, T0);
    const fail = () => {
      throw new Error('no');
    };
    expect(() => wheel.expire(T0, 5, fail)).toThrow('no');
    expect(expireAll(wheel, T0)).toEqual([[2, T0]]);
  });

  test.each([
    ['at one instant', () => 0],
    ['spread over weeks', (slot: number) => (slot * 2_654_435_761) % (21 * 24 * 3_600_000)],
  ])('of forty thousand overdue timers %s is in exact order, in bounded steps', (_, spread) => {
    const count = 40_000;
    for (const builtAt of [T0, T0 + YEAR]) {
      const wheel = new TimerWheel({ now: builtAt });
      const expected: Visit[] = [];
      for (let slot = 0; slot < count; slot += 1) {
        const deadline = T0 + 1 + spread(slot);
        wheel.set(slot, deadline);
        expected.push([slot, deadline]);
      }
      const visits: Visit[] = [];
      let calls = 0;
      while ((wheel.next() ?? Infinity) <= T0 + YEAR) {
        wheel.expire(T0 + YEAR, 5000, (slot, deadline) => void visits.push([slot, deadline]));
        calls += 1;
      }
      expect(visits).toEqual(expected.sort(inOrder));
      expect(calls).toBeGreaterThanOrEqual(count / 5000);
      expect(calls).toBeLessThan(60);
    }
  });

  test('stops moving a crowded list down after some thousand timers, and next() says that there is more', () => {
    const wheel = new TimerWheel({ now: T0 });
    for (let slot = 0; slot < 40_000; slot += 1) wheel.set(slot, T0 + 70_000);
    expect(wheel.expire(T0 + 70_000, 1, () => undefined)).toBe(0);
    expect(wheel.next()).toBe(T0 + 70_000);
    wheel.cancel(0);
    wheel.set(30_000, T0 + 100);
    expect(expireAll(wheel, T0 + 70_000).slice(0, 2)).toEqual([
      [30_000, T0 + 100],
      [1, T0 + 70_000],
    ]);
  });
});

describe('arguments', () => {
  test.each([-1, 1.5, NaN, 2 ** 32, '1'])('%s is no slot', (slot) => {
    const wheel = new TimerWheel({ now: T0 });
    expect(() => Reflect.apply(wheel.set, wheel, [slot, T0])).toThrow(RangeError);
    expect(() => Reflect.apply(wheel.cancel, wheel, [slot])).toThrow(RangeError);
  });

  test.each([-1, 1.5, NaN, Infinity, 2 ** 53])('%s is no deadline', (deadline) => {
    expect(() => new TimerWheel({ now: T0 }).set(0, deadline)).toThrow(RangeError);
  });

  test.each([NaN, Infinity])('%s is no instant', (now) => {
    expect(() => new TimerWheel({ now: T0 }).expire(now, 1, () => undefined)).toThrow(RangeError);
  });

  test('the largest deadline that a number counts exactly is one', () => {
    const wheel = new TimerWheel({ now: 0, capacity: 1 });
    wheel.set(2000, Number.MAX_SAFE_INTEGER);
    wheel.set(1, 1);
    expect(expireAll(wheel, Number.MAX_SAFE_INTEGER)).toEqual([
      [1, 1],
      [2000, Number.MAX_SAFE_INTEGER],
    ]);
  });
});

/** The same contract on a plain map, sorted when asked. */
class Model {
  readonly timers = new Map<number, number>();

  due(now: number): Visit[] {
    return [...this.timers].filter(([, deadline]) => deadline <= now).sort(inOrder);
  }

  expire(now: number, limit: number, visit: (slot: number, deadline: number) => void): number {
    for (let visited = 0; visited < limit; visited += 1) {
      const first = this.due(now)[0];
      if (first === undefined) return visited;
      this.timers.delete(first[0]);
      visit(...first);
    }
    return limit;
  }
}

const slots = fc.nat({ max: 12 });
/** milliseconds from now: around every level's edge, and anything in between, also in the past */
const delays = fc.oneof(
  fc.integer({ min: -300, max: 600 }),
  fc
    .tuple(fc.constantFrom(0, 2 ** 8, 2 ** 16, 2 ** 24, 2 ** 32, 2 ** 40), fc.integer({ min: -3, max: 3 }))
    .map(([edge, off]) => edge + off),
  fc.integer({ min: -1e9, max: 100 * YEAR }),
);
const steps = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 400 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 200_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 100 * 24 * 3_600_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: -1000, max: 0 }) },
);
const change = fc.oneof(
  fc.record({ op: fc.constant('set' as const), slot: slots, delay: delays }),
  fc.record({ op: fc.constant('cancel' as const), slot: slots }),
);
const operation = fc.oneof(
  { weight: 3, arbitrary: change },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('expire' as const),
      step: steps,
      fraction: fc.constantFrom(0, 0.4),
      limit: fc.constantFrom(1, 3, 100),
      during: fc.array(change, { maxLength: 4 }),
    }),
  },
);

test('the wheel does what a sorted list does, over months, steps of the clock and changes made by visits', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, T0, T0 + 255, 2 ** 40 - 2),
      fc.array(operation, { maxLength: 60 }),
      (start, operations) => {
        const wheel = new TimerWheel({ now: start, capacity: 1 });
        const model = new Model();
        let now = start;
        const apply = (timers: Pick<TimerWheel, 'set' | 'cancel'>, one: (typeof operations)[number]) => {
          if (one.op === 'set') timers.set(one.slot, Math.max(0, now + one.delay));
          if (one.op === 'cancel') timers.cancel(one.slot);
        };
        const modelled = {
          set: (slot: number, deadline: number) => void model.timers.set(slot, deadline),
          cancel: (slot: number) => model.timers.delete(slot),
        };
        for (const one of operations) {
          apply(wheel, one);
          apply(modelled, one);
          if (one.op === 'expire') {
            now += one.step;
            const seen =
              (timers: Pick<TimerWheel, 'set' | 'cancel'>, into: Visit[]) =>
              (...visit: Visit) => {
                const inside = one.during[into.push(visit) - 1];
                if (inside !== undefined) apply(timers, inside);
              };
            const actual: Visit[] = [];
            const expected: Visit[] = [];
            expect(wheel.expire(now + one.fraction, one.limit, seen(wheel, actual))).toBe(
              model.expire(now + one.fraction, one.limit, seen(modelled, expected)),
            );
            expect(actual).toEqual(expected);
          }
          const first = Math.min(...model.timers.values());
          expect(wheel.size).toBe(model.timers.size);
          expect(wheel.next() ?? Infinity).toBeLessThanOrEqual(first);
          expect(wheel.next() === null).toBe(first === Infinity);
          for (let slot = 0; slot <= 12; slot += 1) {
            expect(wheel.deadline(slot)).toBe(model.timers.get(slot) ?? null);
          }
        }
        // Woken only when next() says so, everything is visited at its deadline, after few vain calls.
        let calls = 0;
        for (let next = wheel.next(); next !== null; next = wheel.next(), calls += 1) {
          now = Math.max(now, next);
          wheel.expire(now, 1, (slot, deadline) => {
            expect(model.due(now)[0]).toEqual([slot, deadline]);
            model.timers.delete(slot);
          });
        }
        expect(model.timers.size).toBe(0);
        expect(calls).toBeLessThan(13 * 8);
      },
    ),
    { numRuns: 1500 },
  );
});

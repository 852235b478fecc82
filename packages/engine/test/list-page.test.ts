import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { listedStatuses, nameOfPlace, pageOf, readPlace, type Future, type Place } from '../src/index.ts';
import { future } from './rules/world.ts';

const everything = {
  statuses: listedStatuses,
  room: null,
  type: null,
  earliest: -Infinity,
  latest: Infinity,
} as const;
const listed = (one: Future): { readonly future: Future } => ({ future: one });

/** Futures with unique ids, some due at the same instant and some without a timer. */
const futures = fc
  .uniqueArray(fc.record({ id: fc.integer({ min: 1, max: 60 }), deadline: fc.option(fc.nat(20)) }), {
    selector: ({ id }) => id,
  })
  .map((all) => all.map(({ id, deadline }) => future(id, { deadline })));
const direction = fc.constantFrom<'f' | 'b'>('f', 'b');

/** All pages, the list being what `listAt` says when each is asked for. */
function pages(listAt: (page: number) => readonly Future[], dir: 'f' | 'b', size: number): Future[] {
  const all: Future[] = [];
  let after: Place | null = null;
  for (let page = 0; ; page += 1) {
    const one: ReturnType<typeof pageOf<{ readonly future: Future }>> = pageOf(
      listAt(page).map(listed),
      { ...everything, direction: dir },
      after,
      size,
    );
    all.push(...one.page.map((each) => each.future));
    if (one.next === null) return all;
    after = readPlace(nameOfPlace(one.next));
  }
}

const inOrder = (all: readonly Future[]): number[] =>
  all.toSorted((a, b) => (a.deadline ?? 1e9) - (b.deadline ?? 1e9) || a.id - b.id).map(({ id }) => id);

describe('pages', () => {
  test('are the whole list in order of send time and id, once each, whatever their size', () => {
    fc.assert(
      fc.property(futures, direction, fc.integer({ min: 1, max: 9 }), (all, dir, size) => {
        const expected = dir === 'f' ? inOrder(all) : inOrder(all).toReversed();
        expect(pages(() => all, dir, size).map(({ id }) => id)).toEqual(expected);
      }),
    );
  });

  test('have every future that stays in its place exactly once, whatever comes and goes between them', () => {
    fc.assert(
      fc.property(futures, direction, fc.array(fc.nat(1)), (all, dir, coming) => {
        const stays = all.filter(({ id }) => id % 2 === 0);
        const others = all.filter(({ id }) => id % 2 === 1);
        const listAt = (page: number): Future[] => [
          ...stays,
          ...others.filter((_, index) => coming[(index + page) % coming.length] === 1),
        ];
        const seen = pages(listAt, dir, 3).map(({ id }) => id);
        expect(seen.filter((id) => id % 2 === 0).toSorted((a, b) => a - b)).toEqual(
          stays.map(({ id }) => id).toSorted((a, b) => a - b),
        );
      }),
    );
  });

  test('repeat nothing but what was refreshed meanwhile, forwards; miss nothing else, backwards', () => {
    fc.assert(
      fc.property(futures, direction, (all, dir) => {
        const refreshed = (page: number): Future[] =>
          all.map((one) =>
            one.id % 3 === 0 && one.deadline !== null
              ? { ...one, deadline: one.deadline + 30 * Math.min(page, 3) }
              : one,
          );
        const count = Map.groupBy(pages(refreshed, dir, 3), ({ id }) => id);
        for (const { id, deadline } of all) {
          const times = count.get(id)?.length ?? 0;
          if (id % 3 !== 0 || deadline === null) expect(times).toBe(1);
          else if (dir === 'f') expect(times).toBeGreaterThanOrEqual(1);
          else expect(times).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('have what fits the filter, the bounds of the send time included', () => {
    fc.assert(
      fc.property(futures, fc.nat(20), fc.nat(20), (all, earliest, latest) => {
        const { page } = pageOf(
          all.map(listed),
          { ...everything, earliest, latest, direction: 'f' },
          null,
          100,
        );
        const expected = all.filter(
          ({ deadline }) => deadline !== null && earliest <= deadline && deadline <= latest,
        );
        expect(page.map((one) => one.future.id)).toEqual(inOrder(expected));
      }),
    );
  });

  test('the name of a place reads as that place, and nothing else is one', () => {
    fc.assert(
      fc.property(fc.nat(), fc.option(fc.nat(2 ** 31 - 1)), (id, sendTime) => {
        const place = { id, sendTime: sendTime === null ? Infinity : sendTime };
        const name = nameOfPlace(place);
        expect(readPlace(name)).toEqual(place);
      }),
    );
    for (const text of [
      '',
      '_',
      '1_',
      '_1',
      '1_2_3',
      '-1_2',
      '1.5_2',
      ' 1_2',
      'Infinity_1',
      `${'9'.repeat(16)}_1`,
    ])
      expect(readPlace(text)).toBe(null);
  });
});

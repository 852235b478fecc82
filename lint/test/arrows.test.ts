import { readdirSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { judgeImport, judgePath, places } from '../arrows.ts';

const judge = (file: string, specifier: string, declared: readonly string[] = []): string | null =>
  judgeImport({ file, specifier, declared });

/** Every workspace package that can be reached from `name` by arrows. */
function reach(name: string, seen: Set<string> = new Set()): Set<string> {
  const direct = places[name]?.packages ?? [];
  for (const next of direct === 'all' ? [] : direct) {
    if (!seen.has(next)) reach(next, seen.add(next));
  }
  return seen;
}

describe('directions between packages', () => {
  it('has a place for every package there is, and for no other', () => {
    expect(Object.keys(places).sort()).toEqual(readdirSync('packages').sort());
  });

  test.each(Object.keys(places))('no way leads from %s back to itself', (name) => {
    expect(reach(name)).not.toContain(name);
  });

  it('lets arrows point downwards', () => {
    expect(judge('packages/api/src/futures/send.ts', '@matrix-futures/engine')).toBeNull();
    expect(judge('packages/store-sqlite/src/store.ts', '@matrix-futures/sqlite')).toBeNull();
    expect(judge('packages/cli/src/serve.ts', '@matrix-futures/homeserver')).toBeNull();
  });

  test.each([
    ['engine', 'http'],
    ['engine', 'store-memory'],
    ['sqlite', 'engine'],
    ['http', 'engine'],
    ['timers', 'engine'],
    ['api', 'homeserver'],
    ['api', 'store-sqlite'],
    ['homeserver', 'api'],
    ['homeserver', 'store-sqlite'],
    ['store-sqlite', 'store-memory'],
    ['store-memory', 'store-sqlite'],
    ['gateway', 'homeserver'],
    ['homeserver', 'cli'],
  ])('%s may not import %s', (from, to) => {
    expect(judge(`packages/${from}/src/any.ts`, `@matrix-futures/${to}`)).toMatch('arrows point downwards');
  });

  it('keeps relative imports inside their own package and out of its tests', () => {
    expect(judge('packages/api/src/a/b.ts', '../c.ts')).toBeNull();
    expect(judge('packages/api/test/b.test.ts', '../src/c.ts')).toBeNull();
    expect(judge('packages/api/src/b.ts', '../test/c.ts')).toMatch('outside');
    expect(judge('packages/api/src/b.ts', '../../engine/src/future.ts')).toMatch('by its name');
    expect(judge('packages/api/test/b.test.ts', '../../engine/src/future.ts')).toMatch('by its name');
    expect(judge('e2e/start.test.ts', '../packages/cli/src/main.ts')).toMatch('by its name');
    expect(judge('packages/api/src/b.ts', '@matrix-futures/api')).toMatch('relative path');
  });

  it('lets a package import only what its own package.json declares', () => {
    expect(judge('packages/http/src/server.ts', 'fastify', ['fastify'])).toBeNull();
    expect(judge('packages/http/src/server.ts', 'typebox/value', ['typebox'])).toBeNull();
    expect(judge('packages/http/src/server.ts', 'fastify')).toMatch('not in the dependencies');
    expect(judge('packages/http/src/server.ts', '@fastify/cors/plugin', ['fastify'])).toMatch(
      '@fastify/cors',
    );
  });

  it('keeps the machine out of the engine', () => {
    expect(judge('packages/engine/src/token.ts', 'node:crypto')).toBeNull();
    expect(judge('packages/engine/src/token.ts', 'node:fs')).toMatch('handed in');
    expect(judge('packages/timers/src/wheel.ts', 'node:fs')).toMatch('handed in');
  });

  it('knows no place for a package that nobody placed', () => {
    expect(judge('packages/novel/src/a.ts', 'node:fs')).toMatch('no place');
  });
});

test('names that say nothing are no names', () => {
  expect(judgePath('packages/api/src/utils/a.ts')).not.toBeNull();
  expect(judgePath('packages/api/src/helpers.ts')).not.toBeNull();
  expect(judgePath('packages/api/src/types.ts')).not.toBeNull();
  expect(judgePath('packages/api/src/event-types.ts')).toBeNull();
  expect(judgePath('packages/api/src/commons.ts')).toBeNull();
});

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** One file each that breaks one rule: [path, text, rule that must bite]. */
const offenders = [
  ['packages/engine/src/date-now.ts', 'export const at = Date.now();', 'no-restricted-globals'],
  ['packages/engine/src/new-date.ts', 'export const at = new Date();', 'no-restricted-globals'],
  ['packages/engine/src/performance.ts', 'export const at = performance.now();', 'no-restricted-globals'],
  ['packages/engine/src/set-timeout.ts', 'setTimeout(() => {}, 1);', 'no-restricted-globals'],
  ['packages/engine/src/set-interval.ts', 'setInterval(() => {}, 1);', 'no-restricted-globals'],
  ['packages/engine/src/set-immediate.ts', 'setImmediate(() => {});', 'no-restricted-globals'],
  ['packages/engine/src/detour.ts', 'globalThis.setTimeout(() => {}, 1);', 'no-restricted-globals'],
  ['packages/engine/src/environment.ts', 'export const home = process.env.HOME;', 'no-restricted-globals'],
  ['packages/cli/src/late.ts', 'setTimeout(() => {}, 1);', 'no-restricted-globals'],
  ['packages/engine/src/web-crypto.ts', 'export const id = crypto.randomUUID();', 'no-restricted-globals'],
  ['packages/engine/src/math-random.ts', 'export const chance = Math.random();', 'no-restricted-properties'],
  ['packages/engine/src/signal.ts', 'export const end = AbortSignal.timeout(1);', 'no-restricted-properties'],
  [
    'packages/http/src/timers.ts',
    "export { setTimeout } from 'node:timers/promises';",
    'no-restricted-imports',
  ],
  ['packages/engine/src/bytes.ts', "export { randomBytes } from 'node:crypto';", 'no-restricted-imports'],
  [
    'packages/engine/src/crypto.ts',
    "import * as c from 'node:crypto'; export const b = c.randomBytes(1);",
    'no-restricted-imports',
  ],
  ['packages/engine/src/upwards.ts', "export type { A } from '@matrix-futures/http';", 'arrows'],
  ['packages/engine/src/lazily.ts', "export const later = import('@matrix-futures/http');", 'arrows'],
  ['packages/engine/src/typed.ts', "export type A = import('@matrix-futures/http').A;", 'arrows'],
  ['packages/engine/src/inside.ts', "export { a } from '../../http/src/timers.ts';", 'arrows'],
  ['packages/engine/src/helpers.ts', 'export const a = 1;', 'paths'],
  ['packages/engine/src/CamelCase.ts', 'export const a = 1;', 'filename-case'],
  [
    'packages/engine/src/egg.ts',
    "import { hen } from './hen.ts'; export const egg = (): unknown => hen;",
    'no-cycle',
  ],
  [
    'packages/engine/src/hen.ts',
    "import { egg } from './egg.ts'; export const hen = (): unknown => egg;",
    'no-cycle',
  ],
  ['packages/engine/src/anything.ts', 'export const a = (b: any): unknown => b;', 'no-explicit-any'],
  [
    'packages/engine/src/cast.ts',
    'export const a = (b: unknown): string => b as string;',
    'consistent-type-assertions',
  ],
  [
    'packages/engine/src/sure.ts',
    'export const a = (b: string | null): string => b!;',
    'no-non-null-assertion',
  ],
  [
    'packages/engine/src/floating.ts',
    'const a = async (): Promise<void> => {}; export const b = (): void => { a(); };',
    'no-floating-promises',
  ],
  ['packages/engine/src/unsafe.ts', "export const a: string = JSON.parse('1');", 'no-unsafe-assignment'],
  ['packages/engine/src/silenced.ts', '// @ts-ignore\nexport const a: string = 1;', 'ban-ts-comment'],
  ['packages/engine/src/default.ts', 'export default 1;', 'no-default-export'],
] as const;

/** Breaks nothing: what the rules must let pass. */
const decent = [
  ['packages/cli/src/system.ts', 'export const now = (): number => Date.now();'],
  [
    'packages/engine/test/slow.test.ts',
    "import { test, expect } from 'vitest';\ntest('a', () => { setTimeout(() => {}, 1); expect(Date.now()).toBeGreaterThan(1); });",
  ],
  [
    'packages/engine/src/constant.ts',
    "export const a = ['b'] as const;\nexport const c: unknown = JSON.parse('1');",
  ],
] as const;

interface Report {
  readonly diagnostics: readonly { readonly code: string; readonly filename: string }[];
}

let house: string;
let found: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  house = await mkdtemp(join(tmpdir(), 'house-'));
  for (const path of [
    '.oxlintrc.json',
    'tsconfig.json',
    'package.json',
    'lint/arrows.ts',
    'lint/plugin.ts',
  ]) {
    await cp(path, join(house, path));
  }
  await symlink(join(process.cwd(), 'node_modules'), join(house, 'node_modules'));
  for (const name of ['engine', 'http', 'cli']) {
    await mkdir(join(house, 'packages', name), { recursive: true });
    await writeFile(join(house, 'packages', name, 'package.json'), '{}');
  }
  for (const [path, text] of [...offenders, ...decent]) {
    await mkdir(dirname(join(house, path)), { recursive: true });
    await writeFile(join(house, path), `${text}\n`);
  }
  found = await lint(house);
});

afterAll(() => rm(house, { recursive: true, force: true }));

async function lint(directory: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const oxlint = join(process.cwd(), 'node_modules/oxlint/bin/oxlint');
  const stdout = await new Promise<string>((resolve) => {
    execFile(process.execPath, [oxlint, '-f', 'json', 'packages'], { cwd: directory }, (_error, output) =>
      resolve(output),
    );
  });
  const report: Report = JSON.parse(stdout);
  const rules = new Map<string, string[]>();
  for (const { filename, code } of report.diagnostics) {
    rules.set(filename, [...(rules.get(filename) ?? []), code]);
  }
  return rules;
}

test.each(offenders)('%s: %s', (path, _text, rule) => {
  expect(found.get(path)?.join(' ')).toMatch(rule);
});

test.each(decent)('%s passes', (path) => {
  expect(found.get(path)).toBeUndefined();
});

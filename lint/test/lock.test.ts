import { globSync, readFileSync } from 'node:fs';
import { expect, it, test } from 'vitest';

interface Locked {
  readonly version?: string;
  readonly os?: string | readonly string[];
  readonly cpu?: string | readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
interface Lock {
  readonly packages: Readonly<Record<string, Locked>>;
}
const lock: Lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const packages = Object.entries(lock.packages);

it('lists every optional package: npm ci refuses a lock file in which one of another platform is missing', () => {
  const missing = packages.flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        lock.packages[`node_modules/${name}`] === undefined &&
        lock.packages[`${path}/node_modules/${name}`] === undefined,
    ),
  );
  expect(missing).toEqual([]);
});

test.each([
  ['linux', 'x64'],
  ['linux', 'arm64'],
  ['darwin', 'x64'],
  ['darwin', 'arm64'],
  ['win32', 'x64'],
])('pins Node 26 for %s on %s', (os, cpu) => {
  const found = packages.filter(
    ([path, entry]) =>
      path.startsWith('node_modules/node-') &&
      [entry.os].flat().includes(os) &&
      [entry.cpu].flat().includes(cpu),
  );
  expect(found.map(([, entry]) => entry.version)).toEqual([expect.stringMatching(/^26\./)]);
});

it('installs nothing that runs a script at install: npm warns of them, and later refuses them', () => {
  const manifests = globSync(['node_modules/*/package.json', 'node_modules/@*/*/package.json']);
  const scripted = manifests.filter((path) => {
    const { scripts = {} }: { scripts?: object } = JSON.parse(readFileSync(path, 'utf8'));
    return ['preinstall', 'install', 'postinstall'].some((name) => name in scripts);
  });
  expect(manifests.length).toBeGreaterThan(50);
  expect(scripted).toEqual([]);
});

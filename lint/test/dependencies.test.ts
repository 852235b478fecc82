import { globSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test.each(readdirSync('packages'))('%s declares no dependency that it does not use', (name) => {
  const manifest: { dependencies?: object } = JSON.parse(
    readFileSync(`packages/${name}/package.json`, 'utf8'),
  );
  const sources = globSync(`packages/${name}/src/**/*.ts`).map((path) => readFileSync(path, 'utf8'));
  const unused = Object.keys(manifest.dependencies ?? {}).filter(
    (dependency) => !sources.some((text) => new RegExp(`'${dependency}['/]`).test(text)),
  );
  expect(unused).toEqual([]);
});

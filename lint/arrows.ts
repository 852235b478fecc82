/** Which package may import which: an arrow may only point downwards, adapters never import one another. */

interface Place {
  /** workspace packages it may import; `all`: any */
  readonly packages: readonly string[] | 'all';
  /** modules of Node it may import; `all`: any */
  readonly node: readonly string[] | 'all';
}

/** What must not do anything but compute. */
const pure = { node: [] } as const;

export const places: Readonly<Record<string, Place>> = {
  cli: { packages: 'all', node: 'all' },
  api: { packages: ['engine', 'http'], node: ['node:crypto', 'node:http'] },
  homeserver: { packages: ['engine', 'http', 'sqlite'], node: 'all' },
  gateway: { packages: ['engine', 'http'], node: 'all' },
  'store-memory': { packages: ['engine'], ...pure },
  'store-sqlite': { packages: ['engine', 'timers', 'sqlite'], node: 'all' },
  sqlite: { packages: [], node: 'all' },
  http: { packages: [], node: 'all' },
  timers: { packages: [], ...pure },
  // Tokens are one block of AES, transaction scopes are hashes: computation, not input or output.
  engine: { packages: [], node: ['node:crypto'] },
};

export interface ImportSite {
  /** path of the importing file from the repository's root, with forward slashes */
  readonly file: string;
  readonly specifier: string;
  /** names of the importing package's own dependencies, as its package.json declares them */
  readonly declared: readonly string[];
}

/** What is wrong with an import; null: nothing. */
export function judgeImport(site: ImportSite): string | null {
  const home = /^packages\/([^/]+)\/(src|test)\//.exec(site.file);
  if (site.specifier.startsWith('.')) return judgeRelative(site, home?.[1] ?? null, home?.[2] ?? null);
  if (home === null || home[2] === 'test') return null;
  const name = home[1] ?? '';
  const place = places[name];
  if (place === undefined) return `packages/${name} has no place in lint/arrows.ts yet`;
  return judgeBare(site, name, place);
}

function judgeRelative(
  { file, specifier }: ImportSite,
  name: string | null,
  part: string | null,
): string | null {
  const target = resolve(file, specifier);
  const owner = /^packages\/([^/]+)\//.exec(target)?.[1] ?? null;
  if (owner !== name && owner !== null)
    return `import @matrix-futures/${owner} by its name: its inside is its own`;
  if (part === 'src' && !target.startsWith(`packages/${name}/src/`))
    return 'src/ may not import what is outside of it';
  return null;
}

function judgeBare({ specifier, declared }: ImportSite, name: string, place: Place): string | null {
  const workspace = /^@matrix-futures\/([^/]+)/.exec(specifier)?.[1];
  if (workspace !== undefined) {
    if (workspace === name) return 'a package imports its own files by relative path';
    const allowed = place.packages === 'all' || place.packages.includes(workspace);
    return allowed
      ? null
      : `${name} may not import ${workspace}: arrows point downwards only (lint/arrows.ts)`;
  }
  if (specifier.startsWith('node:')) {
    const allowed = place.node === 'all' || place.node.includes(specifier);
    return allowed ? null : `${name} may not import ${specifier}: what it needs of the machine is handed in`;
  }
  const dependency = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  return declared.includes(dependency)
    ? null
    : `${dependency} is not in the dependencies of packages/${name}/package.json`;
}

function resolve(file: string, specifier: string): string {
  const path = file.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') path.pop();
    else if (part !== '.') path.push(part);
  }
  return path.join('/');
}

/** What is wrong with the path of a file; null: nothing. */
export function judgePath(file: string): string | null {
  const empty = /(?:^|\/)(utils?|helpers?|common|misc|types?)(?=\/|\.)/.exec(file);
  return empty === null ? null : `"${empty[1]}" says nothing of what is inside: name the subject`;
}

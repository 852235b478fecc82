import { closest } from 'fastest-levenshtein';
import { parseArgs } from 'node:util';
import { fileSetting, settings, variableOf, type SettingName } from './settings.ts';

/** What was configured cannot be used; the message says which setting, where it was set, and what would do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** A setting as it was written, and where. */
export interface Given {
  readonly value: string;
  readonly from: string;
}

export type Sources = ReadonlyMap<SettingName, Given>;

/** One place where settings are written: how it spells them, and what it says. */
interface Place {
  readonly spell: (name: string) => string;
  readonly entries: readonly (readonly [spelled: string, value: string])[];
}

const names: readonly string[] = settings.map(({ name }) => name);
const flagOf = (name: string): string => `--${name}`;

/**
 * Gathers the settings from flags, environment variables and the configuration file, without judging their values.
 * @param parseFile reads a configuration file and parses its YAML; called once, if there is one
 * @throws ConfigError for a setting that does not exist, naming the nearest that does
 */
export async function readSources(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  parseFile: (path: string) => Promise<unknown>,
): Promise<Sources> {
  const places = [readVariables(env), readFlags(argv)];
  const file = lookUp(places, fileSetting.name);
  if (file !== null) places.unshift(await readFile(file.value, parseFile));

  const given = new Map<SettingName, Given>();
  for (const { name } of settings) {
    const found = lookUp(places, name);
    if (found !== null) given.set(name, found);
  }
  return given;
}

/** Later places win over earlier ones, and later entries of one place, too. */
function lookUp(places: readonly Place[], name: string): Given | null {
  for (const { spell, entries } of places.toReversed()) {
    const spelled = spell(name);
    const entry = entries.findLast(([written]) => written === spelled);
    if (entry !== undefined) return { value: entry[1], from: spelled };
  }
  return null;
}

function requireKnown(what: string, spelled: string, known: readonly string[]): void {
  if (known.includes(spelled)) return;
  throw new ConfigError(`There is no ${what} ${spelled}; the nearest is ${closest(spelled, known)}`);
}

function readFlags(argv: readonly string[]): Place {
  const all = [fileSetting, ...settings];
  const options = Object.fromEntries(
    all.map(({ name, value }) => [name, { type: value === null ? 'boolean' : 'string' }] as const),
  );
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true });
  const entries = tokens.flatMap((token) => {
    if (token.kind === 'positional')
      throw new ConfigError(`"${token.value}" is neither a flag nor the value of one`);
    if (token.kind !== 'option') return [];
    requireKnown('flag', token.rawName, [...names, fileSetting.name].map(flagOf));
    if (token.value === undefined && options[token.name]?.type === 'string')
      throw new ConfigError(`${token.rawName} needs a value`);
    return [[token.rawName, token.value ?? 'on'] as const];
  });
  return { spell: flagOf, entries };
}

function readVariables(env: Readonly<Record<string, string | undefined>>): Place {
  const entries = Object.entries(env).flatMap(([name, value]) => {
    if (!name.startsWith(variableOf('')) || value === undefined) return [];
    requireKnown('variable', name, [...names, fileSetting.name].map(variableOf));
    return [[name, value] as const];
  });
  return { spell: variableOf, entries };
}

async function readFile(path: string, parseFile: (path: string) => Promise<unknown>): Promise<Place> {
  const content = await parseFile(path).catch((error: unknown) => {
    throw new ConfigError(`The configuration file ${path} cannot be read: ${String(error)}`, {
      cause: error,
    });
  });
  if (content !== null && (typeof content !== 'object' || Array.isArray(content)))
    throw new ConfigError(`The configuration file ${path} is not a list of "setting: value"`);
  const entries = Object.entries(content ?? {}).map(([key, value]) => {
    requireKnown(`setting in ${path} named`, key, names);
    return [key, scalar(key, value)] as const;
  });
  return { spell: (name) => name, entries };
}

/** A value of the file as it would be written on the command line. */
function scalar(key: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.map((one) => scalar(key, one)).join(',');
  throw new ConfigError(`${key} must be a text, a number, a switch or a list of these`);
}

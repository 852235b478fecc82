import { closest } from 'fastest-levenshtein';
import { parseArgs } from 'node:util';
import { ConfigError } from './config/sources.ts';
import { type Parse, Wrong } from './config/values.ts';

/** A flag of a command that has no configuration file. */
export interface Flag<Name extends string = string> {
  readonly name: Name;
  /** what stands for the value in the help; null: a switch */
  readonly value: string | null;
  readonly help: string;
}

/** What a command was called with. Each flag is given once at most. */
export class Flags<Name extends string> {
  readonly #given = new Map<string, string>();
  /** what is neither a flag nor the value of one */
  readonly words: readonly string[];

  /** @throws ConfigError for a flag that does not exist, naming the nearest that does, and for one without its value */
  constructor(flags: readonly Flag<Name>[], argv: readonly string[]) {
    const options = Object.fromEntries(
      flags.map(({ name, value }) => [name, { type: value === null ? 'boolean' : 'string' }] as const),
    );
    const known = flags.map(({ name }) => `--${name}`);
    const words: string[] = [];
    const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true });
    for (const token of tokens) {
      if (token.kind === 'positional') words.push(token.value);
      if (token.kind !== 'option') continue;
      const { name, rawName, value } = token;
      const type = options[name]?.type;
      if (!known.includes(rawName))
        throw new ConfigError(`There is no flag ${rawName}; the nearest is ${closest(rawName, known)}`);
      if (type === 'string' && value === undefined) throw new ConfigError(`${rawName} needs a value`);
      if (type === 'boolean' && value !== undefined) throw new ConfigError(`${rawName} takes no value`);
      if (this.#given.has(name)) throw new ConfigError(`${rawName} is given twice`);
      this.#given.set(name, value ?? '');
    }
    this.words = words;
  }

  /** @throws ConfigError where it is missing, or not what `parse` takes */
  required<T>(name: Name, parse: Parse<T>): T {
    const value = this.optional(name, parse);
    if (value === null) throw new ConfigError(`--${name} is missing`);
    return value;
  }

  /** @throws ConfigError where it is not what `parse` takes */
  optional<T>(name: Name, parse: Parse<T>): T | null {
    const given = this.#given.get(name);
    if (given === undefined) return null;
    const value = parse(given);
    if (value instanceof Wrong) throw new ConfigError(`--${name}: "${given}" is not ${value.expected}`);
    return value;
  }

  isOn(name: Name): boolean {
    return this.#given.has(name);
  }

  /** @throws ConfigError for words where the command takes none */
  forbidWords(): void {
    const [word] = this.words;
    if (word !== undefined) throw new ConfigError(`"${word}" is neither a flag nor the value of one`);
  }
}

/** A line for each, for the help. */
export function describeFlags(flags: readonly Flag[]): string {
  const rows = flags.map(({ name, value, help }) => ({
    flag: `  --${name}${value === null ? '' : ` ${value}`}`,
    help,
  }));
  const width = Math.max(...rows.map(({ flag }) => flag.length)) + 2;
  return rows.map(({ flag, help }) => flag.padEnd(width) + help).join('\n');
}

import type { Generation, Limits, Ms, Retention } from '@matrix-futures/engine';
import { settings, type SettingName } from './settings.ts';
import { ConfigError, type Sources } from './sources.ts';

export interface Config {
  readonly listen: { readonly host: string; readonly port: number };
  readonly dataDir: string;
  readonly serverName: string;
  /** without a slash at its end; null: nobody said */
  readonly publicUrl: string | null;
  readonly openRegistration: boolean;
  readonly registrationSharedSecret: string | null;
  readonly defaultRoomVersion: '10' | '11' | '12';
  readonly generations: readonly Generation[];
  readonly limits: Limits;
  readonly retention: Retention;
  readonly logLevel: LogLevel;
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Reads a value as it was written, or says what it should have been. */
type Parse<T> = (text: string) => T | Wrong;
class Wrong {
  readonly expected: string;
  constructor(expected: string) {
    this.expected = expected;
  }
}

/** @throws ConfigError for the first value that makes no sense */
export function parseConfig(sources: Sources): Config {
  const optional = <T>(name: SettingName, parse: Parse<T>): T | null => {
    const given = sources.get(name);
    const text = given?.value ?? settings.find((setting) => setting.name === name)?.fallback ?? null;
    if (text === null) return null;
    const value = parse(text);
    if (value instanceof Wrong)
      throw new ConfigError(`${given?.from ?? name}: "${text}" is not ${value.expected}`);
    return value;
  };
  const required = <T>(name: SettingName, parse: Parse<T>): T => {
    const value = optional(name, parse);
    if (value === null) throw new ConfigError(`${name} is missing`);
    return value;
  };
  return freeze({
    listen: required('listen', address),
    dataDir: required('data-dir', text),
    serverName: required('server-name', serverName),
    publicUrl: optional('public-url', webAddress),
    openRegistration: required('open-registration', onOff),
    registrationSharedSecret: optional('registration-shared-secret', text),
    defaultRoomVersion: required('default-room-version', oneOf(['10', '11', '12'])),
    generations: required('generations', listOf(oneOf(['futures', 'delay-parameter', 'delayed-events']))),
    limits: {
      perUser: required('rate-limits', onOff),
      maxTimeout: required('max-timeout', duration),
      pendingPerUser: required('max-futures-per-user', count),
      contentBytesPerUser: required('max-content-per-user', size),
      futuresPerGroup: required('max-futures-per-group', count),
      futuresPerStateKey: required('max-futures-per-state-key', count),
      scheduleBurst: required('max-schedules-at-once', count),
      schedulesPerSecond: required('max-schedules-per-second', count),
      listsPerSecond: required('max-lists-per-second', count),
      refreshesPerSecond: required('max-refreshes-per-second', count),
    },
    retention: {
      listed: required('keep-outcomes', duration),
      listedPerOwner: required('keep-outcomes-per-user', count),
      tombstones: required('keep-transactions', duration),
    },
    logLevel: required('log-level', oneOf(logLevels)),
  });
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) freeze(part);
  return Object.freeze(value);
}

const text: Parse<string> = (value) => (value === '' ? new Wrong('a text of at least one character') : value);

const onOff: Parse<boolean> = (value) => {
  if (['on', 'true', 'yes', '1'].includes(value)) return true;
  return ['off', 'false', 'no', '0'].includes(value) ? false : new Wrong('on or off');
};

const address: Parse<Config['listen']> = (value) => {
  const match = /^(?:\[([\da-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(value);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535
    ? new Wrong('HOST:PORT, as in 127.0.0.1:8008 or [::1]:8008')
    : { host, port };
};

/** Matrix specification, appendices, "Server name": a host name or an address, and a port where it is not 8448. */
const serverName: Parse<string> = (value) =>
  value.length <= 230 && /^(?:\[[\da-fA-F:.]{2,45}\]|[\dA-Za-z.-]{1,255})(?::\d{1,5})?$/.test(value)
    ? value
    : new Wrong('a server name, as in example.org or example.org:8448');

const webAddress: Parse<string> = (value) =>
  /^https?:\/\//.test(value) && URL.canParse(value)
    ? value.replace(/\/+$/, '')
    : new Wrong('a web address, as in https://matrix.example.org');

const count: Parse<number> = (value) =>
  /^\d{1,9}$/.test(value) && Number(value) > 0 ? Number(value) : new Wrong('a whole number from 1 on');

const milliseconds: Readonly<Record<string, Ms>> = {
  '': 1,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const duration: Parse<Ms> = (value) =>
  inUnits(value, milliseconds) ?? new Wrong('a duration, as in 500ms, 30s, 10m, 12h or 30d');

const bytes: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

const size: Parse<number> = (value) =>
  inUnits(value, bytes) ?? new Wrong('a size, as in 65536, 512KiB or 16MiB');

function inUnits(value: string, units: Readonly<Record<string, number>>): number | null {
  const match = /^(\d{1,12})\s?([A-Za-z]*)$/.exec(value);
  const unit = units[match?.[2] ?? ''];
  return match === null || unit === undefined ? null : Number(match[1]) * unit;
}

function oneOf<const T extends string>(values: readonly T[]): Parse<T> {
  return (value) => values.find((one) => one === value) ?? new Wrong(values.join(' or '));
}

function listOf<T>(parse: Parse<T>): Parse<readonly T[]> {
  return (value) => {
    const parsed: T[] = [];
    for (const part of value.split(',')) {
      const one = parse(part.trim());
      if (one instanceof Wrong) return new Wrong(`a list of ${one.expected}`);
      parsed.push(one);
    }
    return parsed;
  };
}

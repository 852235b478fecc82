import type { Ms } from '@matrix-futures/engine';

/** Reads a value as it was written on a command line, or says what it should have been. */
export type Parse<T> = (text: string) => T | Wrong;

/** Not a value: says what should have been written. */
export class Wrong {
  /** completes "… is not" */
  readonly expected: string;
  constructor(expected: string) {
    this.expected = expected;
  }
}

export const text: Parse<string> = (value) =>
  value === '' ? new Wrong('a text of at least one character') : value;

/** Matrix specification, appendices, "Server name": a host name or an address, and a port where it is not 8448. */
export const serverName: Parse<string> = (value) =>
  value.length <= 230 && /^(?:\[[\da-fA-F:.]{2,45}\]|[\dA-Za-z.-]{1,255})(?::\d{1,5})?$/.test(value)
    ? value
    : new Wrong('a server name, as in example.org or example.org:8448');

/** Where a server is reached, without a slash at its end: paths are put behind it. */
export const baseAddress: Parse<string> = (value) => {
  const url = URL.parse(value);
  const isBase =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.search + url.hash + url.username + url.password === '' &&
    !/[\s?#"'\\{}]/.test(value);
  return isBase ? value.replace(/\/+$/, '') : new Wrong('a web address, as in http://127.0.0.1:8008');
};

/** Matrix specification, appendices, "User identifiers". */
export const userId: Parse<string> = (value) =>
  /^@[^:\s]{0,250}:[^\s]{1,250}$/.test(value) && value.length <= 255
    ? value
    : new Wrong('a user id, as in @alice:example.org');

/** A switch: `on`, `true`, `yes`, `1`, or their opposites. */
export const onOff: Parse<boolean> = (value) => {
  if (['on', 'true', 'yes', '1'].includes(value)) return true;
  return ['off', 'false', 'no', '0'].includes(value) ? false : new Wrong('on or off');
};

/** Where to listen. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A host name, or an IPv6 address in brackets, and a port; port 0 lets the system choose. */
export const address: Parse<Address> = (value) => {
  const match = /^(?:\[([\da-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(value);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535
    ? new Wrong('HOST:PORT, as in 127.0.0.1:8008 or [::1]:8008')
    : { host, port };
};

/** Where clients reach the server, without a slash at its end. */
export const webAddress: Parse<string> = (value) =>
  /^https?:\/\//.test(value) && URL.canParse(value)
    ? value.replace(/\/+$/, '')
    : new Wrong('a web address, as in https://matrix.example.org');

/** From 1 to 999,999,999. */
export const count: Parse<number> = (value) =>
  /^\d{1,9}$/.test(value) && Number(value) > 0 ? Number(value) : new Wrong('a whole number from 1 on');

const milliseconds: Readonly<Record<string, Ms>> = {
  '': 1,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** In milliseconds, unless a unit follows. */
export const duration: Parse<Ms> = (value) =>
  inUnits(value, milliseconds) ?? new Wrong('a duration, as in 500ms, 30s, 10m, 12h or 30d');

const bytes: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** In bytes, unless a unit follows. */
export const size: Parse<number> = (value) =>
  inUnits(value, bytes) ?? new Wrong('a size, as in 65536, 512KiB or 16MiB');

function inUnits(value: string, units: Readonly<Record<string, number>>): number | null {
  const match = /^(\d{1,12})\s?([A-Za-z]*)$/.exec(value);
  const unit = units[match?.[2] ?? ''];
  return match === null || unit === undefined ? null : Number(match[1]) * unit;
}

export function oneOf<const T extends string>(values: readonly T[]): Parse<T> {
  return (value) => values.find((one) => one === value) ?? new Wrong(values.join(' or '));
}

export function listOf<T>(parse: Parse<T>): Parse<readonly T[]> {
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

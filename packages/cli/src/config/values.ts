/** Reads a value as it was written on a command line, or says what it should have been. */
export type Parse<T> = (text: string) => T | Wrong;

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

export function oneOf<const T extends string>(values: readonly T[]): Parse<T> {
  return (value) => values.find((one) => one === value) ?? new Wrong(values.join(' or '));
}

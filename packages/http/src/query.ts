/** A query string, decoded. */
export interface Query {
  /** every value of every parameter, in order */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** a part of it could not be decoded, and was left out of `values` */
  readonly malformed: boolean;
}

const empty: Query = { values: new Map(), malformed: false };

/**
 * Decodes the part of a URL after the `?` as browsers encode it (`application/x-www-form-urlencoded`). Never throws:
 * who asks is settled before how well they asked, and the access token may be among the parameters.
 */
export function decodeQuery(raw: string): Query {
  if (raw === '') return empty;
  const values = new Map<string, string[]>();
  let malformed = false;
  for (const pair of raw.split('&')) {
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    if (name === null || value === null) {
      malformed = true;
      continue;
    }
    const earlier = values.get(name);
    if (earlier === undefined) values.set(name, [value]);
    else earlier.push(value);
  }
  return { values, malformed };
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

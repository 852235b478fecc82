import { MatrixError } from '@matrix-futures/http';

export interface WholeNumberRule {
  readonly name: string;
  readonly least: number;
  /** none unless given: one that is too long for the server has an error of its own */
  readonly most?: number;
  /** what is counted: `milliseconds` */
  readonly unit: string;
}

/**
 * Reads a query parameter as a whole number in decimal digits.
 * @throws MatrixError M_INVALID_PARAM that names the value and the rule
 */
export function parseWholeNumber(text: string, rule: WholeNumberRule): number {
  // more digits than a number can hold are still too many milliseconds, and no other error
  const value = /^\d+$/.test(text) ? Math.min(Number(text), Number.MAX_VALUE) : Number.NaN;
  return checkWholeNumber(value, rule, JSON.stringify(text));
}

/** The same for a member of a body. `written` is the value as it stands in the error, in JSON. */
export function checkWholeNumber(
  value: unknown,
  rule: WholeNumberRule,
  written = JSON.stringify(value) ?? '',
): number {
  const { name, least, most, unit } = rule;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= (most ?? Infinity))
    return value;
  const range = most === undefined ? `at least ${least}` : `from ${least} to ${most}`;
  throw new MatrixError(
    'invalidParam',
    `${name} is ${shortened(written)}; it must be a whole number of ${unit}, ${range}`,
  );
}

function shortened(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}

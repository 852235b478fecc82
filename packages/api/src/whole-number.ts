import { MatrixError } from '@matrix-futures/http';

export interface WholeNumberRule {
  readonly name: string;
  readonly least: number;
  /** `Number.MAX_SAFE_INTEGER` unless given: beyond it a number is not exact */
  readonly most?: number;
  /** what is counted: `milliseconds` */
  readonly unit: string;
}

/**
 * Reads a query parameter as a whole number in decimal digits.
 * @throws MatrixError M_INVALID_PARAM that names the value and the rule
 */
export function parseWholeNumber(text: string, rule: WholeNumberRule): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return checkWholeNumber(value, rule, text);
}

/** The same for a member of a body. `written` is the value as the error quotes it. */
export function checkWholeNumber(
  value: unknown,
  rule: WholeNumberRule,
  written = JSON.stringify(value) ?? '',
): number {
  const { name, least, most = Number.MAX_SAFE_INTEGER, unit } = rule;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  const range = rule.most === undefined ? `at least ${least}` : `from ${least} to ${most}`;
  throw new MatrixError(
    'invalidParam',
    `${name} is "${shortened(written)}"; it must be a whole number of ${unit}, ${range}`,
  );
}

function shortened(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}

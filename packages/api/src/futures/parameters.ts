import { MatrixError } from '@matrix-futures/http';
import { draftParameters } from '../draft.ts';
import { type QueryTexts, queryTexts } from '../query-texts.ts';
import { parseWholeNumber, type WholeNumberRule } from '../whole-number.ts';
import { vendorFeature } from '../vendor.ts';
import { parameterSpellings } from './spellings.ts';

const timeouts = parameterSpellings('future_timeout');
const groups = parameterSpellings('future_group_id');

/** What makes a future of a request to a plain endpoint. */
export const futureParameters: readonly string[] = [...timeouts, ...groups];

/** Gives a state future the transaction id that its path has no room for: our own addition. */
export const transactionParameter = `${vendorFeature}.txn_id`;

export const futureQuery = queryTexts([...futureParameters, ...draftParameters, transactionParameter]);

/** A timeout of a future, wherever it is written. */
export function timeoutRule(name: string): WholeNumberRule {
  return { name, least: 1, unit: 'milliseconds' };
}

/** of groups and of actions, in bytes */
export const longestName = 255;

/**
 * When a future is to be sent and to which group it belongs (text of 6 June 2024, "Proposal").
 * @throws MatrixError M_MISSING_PARAM when it says neither, M_INVALID_PARAM
 */
export function whenAndWhere(query: QueryTexts): { timeout: number | null; groupName: string | null } {
  const timeout = given(query, timeouts);
  const groupName = given(query, groups);
  if (timeout === undefined && groupName === undefined)
    throw new MatrixError('missingParam', 'future_timeout, future_group_id or both are needed');
  if (groupName !== undefined) judgeGroupName(groupName);
  return {
    timeout: timeout === undefined ? null : parseWholeNumber(timeout, timeoutRule('future_timeout')),
    groupName: groupName ?? null,
  };
}

function given(query: QueryTexts, names: readonly string[]): string | undefined {
  return names.map((name) => query[name]).find((text) => text !== undefined);
}

function judgeGroupName(name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes >= 1 && bytes <= longestName) return;
  throw new MatrixError(
    'invalidParam',
    `future_group_id has ${bytes} bytes; it must have 1 to ${longestName}`,
  );
}

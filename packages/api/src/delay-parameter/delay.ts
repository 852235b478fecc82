import type { Ms } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import { draftParameters } from '../draft.ts';
import { type QueryTexts, queryTexts } from '../query-texts.ts';
import { onlyFuture, type SchedulingDialect } from '../schedule-once.ts';
import { parseWholeNumber } from '../whole-number.ts';

/** The flag of `/versions`, without which no client asks for any of it, and the prefix of its paths and names. */
export const feature = 'org.matrix.msc4140';

const delay = `${feature}.delay`;
/** Its own code, beside the `M_UNKNOWN` that an unstable error has. */
export const codeField = `${feature}.errcode`;

/** What makes a delayed event of a request to a plain endpoint. */
export const delayParameters: readonly string[] = [delay];

/**
 * An early revision of MSC4140 tied an event to a delayed one by it, with or without a delay of its own, and js-sdk 43
 * can still send it. Ignored, it would have the event sent at once, or by a timer that nothing of its parent stops.
 */
export const parentParameter = `${feature}.parent_delay_id`;

export const delayQuery = queryTexts([...delayParameters, ...draftParameters]);

/**
 * When a delayed event is to be sent. 0 is as good as any other number here.
 * @throws MatrixError M_INVALID_PARAM
 */
export function delayOf(query: QueryTexts): { timeout: Ms; groupName: null } {
  const rule = { name: delay, least: 0, unit: 'milliseconds' };
  return { timeout: parseWholeNumber(query[delay] ?? '', rule), groupName: null };
}

/**
 * Scheduling as it is deployed (MSC4140 before the merge, Synapse, matrix-js-sdk 34 to 43). js-sdk 43 shortens its delay
 * and tries again after exactly this error for one that is too long; after any other it joins with no leave behind it.
 */
export const delayDialect: SchedulingDialect = {
  generation: 'delay-parameter',
  operation: 'delay',
  answer: (scheduled) => ({ delay_id: onlyFuture(scheduled).tokens.delayId }),
  tooLong: (maximum) =>
    new MatrixError('badRequest', `The longest delay this server allows is ${maximum} milliseconds`, {
      [codeField]: 'M_MAX_DELAY_EXCEEDED',
      [`${feature}.max_delay`]: maximum,
    }),
};

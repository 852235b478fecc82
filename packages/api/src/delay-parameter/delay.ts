import { MatrixError } from '@matrix-futures/http';
import { draftParameters } from '../draft.ts';
import { queryTexts } from '../query-texts.ts';
import { onlyFuture, type SchedulingDialect } from '../schedule-once.ts';
import { parseWholeNumber } from '../whole-number.ts';

/** The flag of `/versions`, without which no client asks for any of it, and the prefix of its paths and names. */
export const feature = 'org.matrix.msc4140';

const delay = `${feature}.delay`;
/** Its own code, beside the `M_UNKNOWN` that an unstable error has. */
export const codeField = `${feature}.errcode`;

/** What makes a delayed event of a request to a plain endpoint. */
export const delayParameters: readonly string[] = [delay];

export const delayQuery = queryTexts([...delayParameters, ...draftParameters]);

/**
 * Scheduling as it is deployed (MSC4140 before the merge, Synapse, matrix-js-sdk 34 to 43). js-sdk 43 shortens its delay
 * and tries again after exactly this error for one that is too long; after any other it joins with no leave behind it.
 */
export const delayDialect: SchedulingDialect = {
  generation: 'delay-parameter',
  operation: 'delay',
  whenAndWhere: (query) => ({
    timeout: parseWholeNumber(query[delay] ?? '', {
      name: delay,
      least: 0,
      most: Number.MAX_VALUE,
      unit: 'milliseconds',
    }),
    groupName: null,
  }),
  answer: (scheduled) => ({ delay_id: onlyFuture(scheduled).tokens.delayId }),
  tooLong: (maximum) =>
    new MatrixError('badRequest', `The longest delay this server allows is ${maximum} milliseconds`, {
      [codeField]: 'M_MAX_DELAY_EXCEEDED',
      [`${feature}.max_delay`]: maximum,
    }),
};

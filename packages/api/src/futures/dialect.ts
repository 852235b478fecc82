import type { FutureTokens, JsonObject, Ms } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import Type from 'typebox';
import { onlyFuture, type SchedulingDialect } from '../schedule-once.ts';

/** Scheduling as the text of 6 June 2024 has it ("Proposal", "Response"). */
export const futuresDialect: SchedulingDialect = {
  generation: 'futures',
  operation: 'future',
  answer: (scheduled) => ({
    ...tokensAnswer(onlyFuture(scheduled).tokens),
    future_group_id: scheduled.groupName,
  }),
  tooLong,
};

export function tooLong(maximum: Ms): MatrixError {
  return new MatrixError(
    'futureMaxTimeoutExceeded',
    `The longest timeout this server allows is ${maximum} milliseconds`,
    { max_future_timeout: maximum },
  );
}

export const tokensSchema = Type.Object({
  send_token: Type.String(),
  cancel_token: Type.String(),
  refresh_token: Type.Optional(Type.String()),
});

/** What scheduling one future answers. */
export const futureSchema = Type.Object({ ...tokensSchema.properties, future_group_id: Type.String() });

/** `refresh_token` is there for timeout futures only. */
export function tokensAnswer({ send, cancel, refresh }: FutureTokens): JsonObject {
  return { send_token: send, cancel_token: cancel, ...(refresh !== null && { refresh_token: refresh }) };
}

import type { Ms, Refusal } from '@matrix-futures/engine';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { UpstreamAnswer } from '../upstream/upstream.ts';

const errorBody = Compile(
  Type.Object({
    errcode: Type.String(),
    error: Type.Optional(Type.String()),
    retry_after_ms: Type.Optional(Type.Number()),
  }),
);

/** What an answer says went wrong; `errcode` null: nothing that a homeserver would say. */
export function readError({ status, body }: UpstreamAnswer): {
  readonly errcode: string | null;
  readonly error: string;
} {
  if (!errorBody.Check(body)) return { errcode: null, error: `HTTP status ${status}` };
  return { errcode: body.errcode, error: body.error ?? body.errcode };
}

/** The homeserver's own words, for whoever asked. */
export function refusalOf(answer: UpstreamAnswer): Refusal | null {
  const { errcode, error } = readError(answer);
  return errcode === null ? null : { status: answer.status, errcode, error };
}

/** How long a 429 asks to be left alone (`retry_after_ms`, or the `Retry-After` header in seconds); null: it does not say. */
export function retryAfterOf({ headers, body }: UpstreamAnswer): Ms | null {
  if (errorBody.Check(body) && body.retry_after_ms !== undefined) return Math.max(0, body.retry_after_ms);
  const seconds = Number(headers['retry-after'] ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : null;
}

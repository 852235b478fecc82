/**
 * What to do after an attempt, or a look, of a delivery to a remote homeserver. Pure, so that every interleaving of
 * lost, late and refused answers, crashes and take-overs can be explored on this very code.
 *
 * ```
 *            ┌───────────── retry ◀──────────────┐
 *            ▼                                   │
 *   claim ─▶ attempt ─▶ accepted ─▶ settle       │
 *            │  │  └─▶ refused, certain ─▶ refuse │
 *            │  └────▶ not taken, certain ─▶ give back (token) │ retry (timer)
 *            └───────▶ anything else: unknown ─▶ look (forgetful, or doomed) │ retry the same request (durable)
 *                                                 look: accepted ─▶ settle · absent ─▶ proved absent, certain again
 *                                                       cannot tell ─▶ look later
 * ```
 * `certain`: no attempt of this claim can have had an effect. False as soon as a request has been written.
 */
import type { Ms } from '../clock.ts';
import type { EventId } from '../event.ts';
import type { Refusal } from '../future.ts';
import type { Claim } from '../group.ts';
import type { Accepted, NotTaken, Refused, RemoteHomeserver, Unknown } from '../homeserver.ts';

export type NextStep =
  | { readonly do: 'settle'; readonly event: EventId }
  | { readonly do: 'refuse'; readonly error: Refusal }
  | { readonly do: 'give-back'; readonly error: Refusal }
  /** the same request again; `certain` says whether that is safe to call off */
  | { readonly do: 'retry'; readonly certain: boolean; readonly notBefore: Ms | null }
  | { readonly do: 'look' };

export function afterAttempt(
  result: Accepted | Refused | NotTaken | Unknown,
  certainBefore: boolean,
  claim: Pick<Claim, 'cause' | 'doomed' | 'winner'>,
  memory: RemoteHomeserver['memory'],
): NextStep {
  switch (result.kind) {
    case 'accepted':
      return { do: 'settle', event: result.event };
    case 'refused':
      return certainBefore ? { do: 'refuse', error: result.error } : afterUnknown(claim, memory, null);
    case 'not-taken':
      if (!certainBefore) return afterUnknown(claim, memory, result.retryAfter);
      return claim.cause === 'token' || claim.doomed !== null
        ? { do: 'give-back', error: result.error }
        : { do: 'retry', certain: true, notBefore: result.retryAfter };
    case 'unknown':
      return afterUnknown(claim, memory, null);
  }
}

function afterUnknown(
  claim: Pick<Claim, 'doomed'>,
  memory: RemoteHomeserver['memory'],
  notBefore: Ms | null,
): NextStep {
  if (memory === 'durable' && claim.doomed === null) return { do: 'retry', certain: false, notBefore };
  return { do: 'look' };
}

import type { Futures, Outcome, UserId } from '@matrix-futures/engine';
import { type Answer, clientV1, endpoint, type Endpoint, MatrixError } from '@matrix-futures/http';
import { type Action, manage } from '../manage.ts';
import { nothing } from '../nothing.ts';
import { useError } from '../refusals.ts';

/** `POST /v1/delayed_events/{delayId}/{action}` (MSC4140 as merged, "Managing scheduled delayed events") */
export function delayedEventActionOfOwner(futures: Futures, action: Action): Endpoint {
  return endpoint({
    method: 'POST',
    paths: clientV1(`/delayed_events/:delayId/${action}`),
    authentication: 'required',
    summary: `Makes one of your delayed events ${action}`,
    answers: nothing,
    handle: ({ requester, params }) => act(futures, requester.user, params.delayId, action),
  });
}

/**
 * Its owner's alone. A repeat of what was done is a success; what contradicts the outcome is 409, as is a restart of
 * what is finished (MSC4542) or has no timer.
 */
async function act(futures: Futures, user: UserId, delayId: string, action: Action): Promise<Answer> {
  const holder = futures.holderOfDelayId(delayId, user);
  if (holder === null) throw notFound();
  const answer = await manage(futures, holder, action);
  switch (answer.kind) {
    case 'done':
      return {};
    case 'no-timer':
      throw new MatrixError('conflict', 'This event has no timer that could be restarted');
    case 'gone': {
      const found = await futures.find(holder);
      if (found === null) throw notFound();
      return repeated(action, found.future.outcome);
    }
    default:
      throw useError(answer);
  }
}

function repeated(action: Action, outcome: Outcome | null): Answer {
  const done = outcome?.kind === 'sent' ? 'send' : 'cancel';
  if (outcome !== null && action === done) return {};
  throw new MatrixError('conflict', `This event ${outcome === null ? 'is on its way' : words[outcome.kind]}`);
}

const words = {
  sent: 'was sent',
  failed: 'was refused when it was to be sent',
  cancelled: 'was cancelled',
} as const;

function notFound(): MatrixError {
  return new MatrixError('notFound', 'There is no delayed event of this id');
}

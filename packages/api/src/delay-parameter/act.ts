import type { Futures, UseAnswer } from '@matrix-futures/engine';
import { type Answer, MatrixError, type Requester } from '@matrix-futures/http';
import { type Action, manage } from '../manage.ts';
import { useError } from '../refusals.ts';

/**
 * The delay id is the capability: SFU services call without a login. With one, the event must be the caller's.
 * @throws MatrixError 404 M_NOT_FOUND for what is unknown, finished or somebody else's: js-sdk 43 schedules anew after
 *   that alone, and gives its call up after 409, 403 and 401
 */
export async function actOnDelayedEvent(
  futures: Futures,
  requester: Requester | null,
  delayId: string,
  action: Action,
): Promise<Answer> {
  const holder = futures.holderOfDelayId(delayId, requester?.user ?? null);
  const answer: UseAnswer = holder === null ? { kind: 'gone' } : await manage(futures, holder, action);
  switch (answer.kind) {
    case 'done':
      return {};
    case 'gone':
    case 'no-timer':
      throw new MatrixError('notFound', 'There is no delayed event of this id, or it is finished');
    default:
      throw useError(answer);
  }
}

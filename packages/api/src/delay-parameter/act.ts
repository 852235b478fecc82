import type { Futures, Holder, UseAnswer } from '@matrix-futures/engine';
import { type Answer, AuthenticationUnavailable, MatrixError, type Requester } from '@matrix-futures/http';
import { type Action, manage } from '../manage.ts';
import { useError } from '../refusals.ts';

/**
 * The delay id is the capability: SFU services call without a login. With one, the event must be the caller's; while
 * nobody can say whose login it is, the id alone counts, as far as it does without one.
 * @throws MatrixError 404 M_NOT_FOUND for what is unknown, finished or somebody else's: js-sdk 43 schedules anew after
 *   that alone, and gives its call up after 409, 403 and 401. AuthenticationUnavailable for what runs, takes the login of
 *   its owner, and may be the caller's
 */
export async function actOnDelayedEvent(
  futures: Futures,
  { requester, hasLogin }: { readonly requester: Requester | null; readonly hasLogin: boolean },
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
      if (requester === null && hasLogin && holder !== null && (await takesLogin(futures, holder)))
        throw new AuthenticationUnavailable();
      throw new MatrixError('notFound', 'There is no delayed event of this id, or it is finished');
    default:
      throw useError(answer);
  }
}

/** It runs, and its id alone does not open it. */
async function takesLogin(futures: Futures, holder: Holder): Promise<boolean> {
  const found = await futures.find({ ...holder, generation: null });
  return found !== null && found.future.generation !== holder.generation && found.future.outcome === null;
}

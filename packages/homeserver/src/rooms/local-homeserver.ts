import type { LocalHomeserver, UserId } from '@matrix-futures/engine';
import type { Append } from './append.ts';
import { judgeForm, refusal, type Signer } from './event-form.ts';

/**
 * The port that futures send their events by: the same way into the room as the plain endpoints have, without their
 * rate limit, and only for accounts that are active when the event is due.
 */
export function createLocalHomeserver(
  { append }: Append,
  signer: Signer,
  isActive: (user: UserId) => boolean,
): LocalHomeserver {
  return {
    kind: 'local',
    judgeForm: (draft) => judgeForm(draft, signer),
    append(draft, timestamp, delayed) {
      if (isActive(draft.sender)) return append(draft, timestamp, delayed && { delayed });
      return { kind: 'refused', error: refusal('forbidden', `${draft.sender} is no active account.`) };
    },
  };
}

import type { Refusal } from '../future.ts';
import { HomeserverUnavailable, type NewState, type RemoteHomeserver } from '../homeserver.ts';
import type { Guards } from '../rules/attempt.ts';
import { fenceOf, type Dispatch } from './dispatch.ts';

/**
 * What only the homeserver knows, asked right before an attempt: may it be acted for the sender, and is the state key as
 * it was when the future was made?
 * @param isRepeat a request may have been made before
 * @returns null: the homeserver could not be asked
 */
export async function askBefore(
  homeserver: RemoteHomeserver,
  dispatch: Dispatch,
  isRepeat: boolean,
): Promise<Guards | null> {
  try {
    const [refusal, newState] = await Promise.all([
      homeserver.judgeSender(dispatch.draft),
      newStateOn(homeserver, dispatch, isRepeat),
    ]);
    // Also where that cannot be told: whoever asked for a `send_now` may ask for it again.
    const mayBeOvertaken = dispatch.winner === null && newState !== 'none';
    return { refusal: refusal ?? (mayBeOvertaken ? overtaken : null), newState };
  } catch (error) {
    if (!(error instanceof HomeserverUnavailable)) throw error;
    return null;
  }
}

/** Asked only where the answer can change anything. */
async function newStateOn(
  homeserver: RemoteHomeserver,
  dispatch: Dispatch,
  isRepeat: boolean,
): Promise<NewState> {
  const { key, winner, draft } = dispatch;
  if (key === null || winner?.generation === 'delayed-events') return 'none';
  // A `send_now` is newer than all that is there, until it has to be made again.
  if (winner === null && !isRepeat) return 'none';
  return homeserver.newState(key, draft.sender, fenceOf(dispatch));
}

const overtaken: Refusal = {
  status: 409,
  errcode: 'M_UNKNOWN',
  error: 'Newer state may have come before it was known that this event had not been sent',
};

import type { Draft, Refusal } from '@matrix-futures/engine';
import type { AuthState } from '../auth-rules/auth-state.ts';
import { judgeForm, judgePlace, judgeSize } from '../rooms/event-form.ts';
import { hasSameContent, saysTheSame, type Judging } from '../rooms/judging.ts';
import { judgeRedaction } from '../rooms/redaction.ts';
import type { Quirks } from './quirks.ts';

/** Judges events as the server with these quirks does. */
export function oddJudging(quirks: Quirks): Judging {
  return {
    form(draft, signer) {
      const isMessage = draft.type === 'm.room.message' && draft.stateKey === null;
      if (!isMessage || quirks.incompleteMessages !== 'accepted') return judgeForm(draft, signer);
      return judgePlace(draft) ?? judgeSize(draft, signer);
    },
    redaction(store, state, room, event, { transaction }) {
      const wasSent = event.type === 'm.room.redaction' && transaction?.target === null;
      if (wasSent && quirks.sentRedactions === 'do-nothing') return { kind: 'allowed', target: null };
      if (wasSent && quirks.sentRedactions === 'fail-in-version-10' && room.version.id === '10') {
        return { kind: 'refused', error: internalError };
      }
      const judged = judgeRedaction(store, state, room, event);
      const isUnknown = judged.kind === 'refused' && judged.error.status === 404;
      return isUnknown && quirks.redactsUnknownEvents ? { kind: 'allowed', target: null } : judged;
    },
    repeats: repetitions[quirks.identicalState],
    repeatsUnjudged: quirks.identicalState === 'anybody',
    worded(refusal, draft, state) {
      const isAboutRoom = refusal.errcode === 'M_FORBIDDEN';
      if (isAboutRoom && state === null && quirks.unknownRooms === 'unsupported-version') {
        return { ...refusal, status: 400, errcode: 'M_UNSUPPORTED_ROOM_VERSION' };
      }
      if (isAboutRoom && isBannedJoin(draft, state) && quirks.bannedJoins === 'bad-state') {
        return { ...refusal, errcode: 'M_BAD_STATE' };
      }
      if (refusal.errcode === 'M_TOO_LARGE' && quirks.tooLarge === 'bad-json') {
        return { ...refusal, errcode: 'M_BAD_JSON' };
      }
      if (isIncompleteMessage(refusal, draft) && quirks.incompleteMessages === 'unknown') {
        return { ...refusal, errcode: 'M_UNKNOWN' };
      }
      return refusal;
    },
  };
}

const internalError: Refusal = { status: 500, errcode: 'M_UNKNOWN', error: 'Internal server error' };

const repetitions: Readonly<Record<Quirks['identicalState'], Judging['repeats']>> = {
  'same-sender': saysTheSame,
  'same-sender-undated': (current, draft) => draft.extras.ts === undefined && saysTheSame(current, draft),
  anybody: hasSameContent,
  new: () => false,
};

function isBannedJoin({ type, sender, content }: Draft, state: AuthState | null): boolean {
  return (
    type === 'm.room.member' &&
    content.membership === 'join' &&
    state?.('m.room.member', sender)?.content.membership === 'ban'
  );
}

function isIncompleteMessage({ errcode }: Refusal, { type, stateKey }: Draft): boolean {
  return errcode === 'M_BAD_JSON' && type === 'm.room.message' && stateKey === null;
}

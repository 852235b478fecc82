import {
  type Futures,
  HomeserverUnavailable,
  type Ms,
  type ScheduleAnswer,
  type Scheduled,
  StoreUnavailable,
  type UseAnswer,
  type UserId,
} from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';

/** What scheduling may answer instead of doing it, but for what each generation words for itself. */
export type ScheduleRefusal = Exclude<ScheduleAnswer, Scheduled | { readonly kind: 'too-long' }>;

export function scheduleError(refusal: ScheduleRefusal): MatrixError {
  switch (refusal.kind) {
    case 'conflict':
      return new MatrixError('unknownFutureGroup', conflicts[refusal.why]);
    case 'over-limit':
      return limitExceeded(overLimits[refusal.limit](refusal.maximum), refusal.retryAfter);
    case 'too-fast':
      return limitExceeded('You schedule events too fast', refusal.retryAfter);
    case 'refused':
      return MatrixError.from(refusal.error);
    case 'nothing-to-refer-to':
      return new MatrixError(
        'invalidParam',
        'A content refers to the event id of send_now, and there is no send_now',
      );
    case 'undecided':
      return new MatrixError(
        'gatewayTimeout',
        'Whether send_now reached the room is not known yet; the same request again will tell',
      );
  }
}

const conflicts = {
  'no-timeout-future': 'There is no running timeout future of yours in this group',
  'already-sent': 'This group has sent its event already',
  'being-sent': 'This group is sending its event',
} as const;

type LimitName = Extract<ScheduleAnswer, { readonly kind: 'over-limit' }>['limit'];

const overLimits: Record<LimitName, (maximum: number) => string> = {
  pendingPerUser: (maximum) => `A user can have ${maximum} events scheduled`,
  contentBytesPerUser: (maximum) => `A user can have ${maximum} bytes of content scheduled`,
  futuresPerGroup: (maximum) => `A group can have ${maximum} futures`,
  futuresPerStateKey: (maximum) => `A user can have ${maximum} events scheduled for one state key`,
};

/** What using a token or a delay id may answer instead of doing it, but for what each generation words for itself. */
export type UseRefusal = Exclude<UseAnswer, { readonly kind: 'done' | 'gone' | 'no-timer' }>;

export function useError(refusal: UseRefusal): MatrixError {
  switch (refusal.kind) {
    case 'refused':
      return MatrixError.from(refusal.error);
    case 'limited':
      return limitExceeded('This future is being used too often', refusal.retryAfter);
    case 'undecided':
      return new MatrixError(
        'gatewayTimeout',
        'Whether the event reached the room is not known yet; it is still being tried',
      );
    case 'busy':
      return new MatrixError('storeUnavailable', 'This group is sending another event; try again');
  }
}

/**
 * Counts one list of this user's.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function allowList(futures: Futures, user: UserId): void {
  const retryAfter = futures.listTooSoon(user);
  if (retryAfter !== null) throw limitExceeded('You list your events too often', retryAfter);
}

/** @param retryAfter null: nobody can say */
function limitExceeded(message: string, retryAfter: Ms | null): MatrixError {
  if (retryAfter === null) return new MatrixError('limitExceeded', message);
  const headers = { 'Retry-After': String(Math.ceil(retryAfter / 1000)) };
  return new MatrixError('limitExceeded', message, { retry_after_ms: retryAfter }, headers);
}

/**
 * Words what the engine throws when nothing could be stored, or the homeserver could not be asked for what has to be
 * known before; null: something else was thrown.
 */
export function storeError(error: unknown): MatrixError | null {
  if (error instanceof StoreUnavailable)
    return new MatrixError('storeUnavailable', 'Nothing can be stored at the moment; try again');
  if (error instanceof HomeserverUnavailable)
    return new MatrixError('storeUnavailable', 'The homeserver cannot be asked at the moment; try again');
  return null;
}

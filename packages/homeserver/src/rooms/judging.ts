import type { Draft, Refusal, Refused } from '@matrix-futures/engine';
import type { AuthState } from '../auth-rules/auth-state.ts';
import { canonicalJson } from '../events/canonical-json.ts';
import type { UnsignedPdu } from '../events/pdu.ts';
import { judgeForm, type Signer } from './event-form.ts';
import type { Origin } from './event-writer.ts';
import { judgeRedaction, type RedactionAllowed } from './redaction.ts';
import type { RoomState } from './room-state.ts';
import type { Room, RoomStore } from './room-store.ts';
import { contentOf, type StoredEvent } from './stored-event.ts';

/** What a homeserver decides of an event beside the authorization rules, which are the same everywhere. */
export interface Judging {
  /** What is wrong with a draft whatever room it goes to; null: nothing. */
  form(draft: Draft, signer: Signer): Refusal | null;
  redaction(
    store: RoomStore,
    state: RoomState,
    room: Room,
    event: UnsignedPdu,
    origin: Origin,
  ): RedactionAllowed | Refused;
  /** Does a state event say what the current one says already, so that the answer is that one? */
  repeats(current: StoredEvent, draft: Draft): boolean;
  /** A repetition is answered before the authorization rules have judged it. */
  readonly repeatsUnjudged: boolean;
  /** The refusal as it is answered. `state` is null where there is no such room. */
  worded(refusal: Refusal, draft: Draft, state: AuthState | null): Refusal;
}

/** This homeserver's own. */
export const judging: Judging = {
  form: judgeForm,
  redaction: judgeRedaction,
  repeats: saysTheSame,
  repeatsUnjudged: false,
  worded: (refusal) => refusal,
};

/** By the same sender: what another one says again is news of who says it. */
export function saysTheSame(current: StoredEvent, draft: Draft): boolean {
  return current.sender === draft.sender && hasSameContent(current, draft);
}

/** As canonical JSON: the order of members does not count. */
export function hasSameContent(current: StoredEvent, draft: Draft): boolean {
  return canonicalJson(contentOf(current)) === canonicalJson(draft.content);
}

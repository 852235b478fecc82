import type { EventId, JsonObject, UserId } from '@matrix-futures/engine';

/** A piece of room state, as far as the authorization rules read it. */
export interface AuthEvent {
  readonly eventId: EventId;
  readonly sender: UserId;
  readonly content: JsonObject;
}

/** The room's state before the event that is judged. */
export type AuthState = (type: string, stateKey: string) => AuthEvent | undefined;

/** Why a room does not take an event. */
export interface Rejection {
  /** the number of the rule in the text of the room's version: `4.3.7` */
  readonly rule: string;
  /** one sentence for people */
  readonly message: string;
}

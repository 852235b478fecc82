import type { EventId, StateKey, UserId } from './event.ts';

/**
 * What the store keeps of the state events that arrived for a key some future stands on: the last one, and the last
 * one by anybody but the last one's sender. Both questions, "new state by anyone?" and "new state by somebody other
 * than the owner?", are answered by these two in constant time.
 */
export interface StateMark {
  readonly last: StateArrival;
  readonly lastByAnother: StateArrival | null;
}

/** A state event that was taken in. */
export interface StateArrival {
  readonly event: EventId;
  readonly sender: UserId;
  /** counts up over all state events of the store */
  readonly order: number;
}

/** null: no future stands on the key, or nothing has arrived for it. */
export type MarkOf = (key: StateKey) => StateMark | null;

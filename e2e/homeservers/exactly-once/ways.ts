import { laterMessage, laterState, type Later } from '../later.ts';

/** A way in which an event of a group can come into its room. */
export interface Way {
  readonly name: string;
  /** The timer of a future runs out, its send token is used, or it is the `send_now` of a batch. */
  readonly by: 'timer' | 'token' | 'batch';
  /** It is neither state nor a redaction. */
  readonly isMessage?: true;
  /** It redacts a message, which has to be there before. */
  readonly redacts?: true;
  /** It is a leave: the sender has to be in the room before, and is not after it. */
  readonly leaves?: true;
  /**
   * @param mark what tells it from all others
   * @param target what it redacts, if it does
   */
  event(mark: string, sender: string, target: string): Later;
}

export const ways: readonly Way[] = [
  { name: 'a message by its timer', by: 'timer', isMessage: true, event: laterMessage },
  { name: 'state by its timer', by: 'timer', event: (mark) => laterState(mark) },
  { name: 'a message by its send token', by: 'token', isMessage: true, event: laterMessage },
  { name: 'state by its send token', by: 'token', event: (mark) => laterState(mark) },
  {
    name: 'a redaction by its timer',
    by: 'timer',
    redacts: true,
    event: (mark, _, redacts) => ({
      type: 'm.room.redaction',
      stateKey: null,
      content: { redacts, reason: mark },
    }),
  },
  {
    name: "the sender's own leave by its timer",
    by: 'timer',
    leaves: true,
    event: (mark, sender) => ({
      type: 'm.room.member',
      stateKey: sender,
      content: { membership: 'leave', mark },
    }),
  },
  { name: 'the send_now of a batch', by: 'batch', event: (mark) => laterState(mark) },
];

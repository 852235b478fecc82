/** An event that is to be sent later. */
export interface Later {
  readonly type: string;
  /** null: a message */
  readonly stateKey: string | null;
  readonly content: Readonly<Record<string, unknown>>;
}

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

const message = (mark: string): Later => ({ type: 'org.example.late', stateKey: null, content: { mark } });
const state = (mark: string): Later => ({ type: 'org.example.call', stateKey: mark, content: { mark } });

export const ways: readonly Way[] = [
  { name: 'a message by its timer', by: 'timer', isMessage: true, event: message },
  { name: 'state by its timer', by: 'timer', event: state },
  { name: 'a message by its send token', by: 'token', isMessage: true, event: message },
  { name: 'state by its send token', by: 'token', event: state },
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
  { name: 'the send_now of a batch', by: 'batch', event: state },
];

/** The mark in an event's content; undefined: it has none. */
export function markOf(content: Readonly<Record<string, unknown>>): unknown {
  return content['mark'] ?? content['reason'];
}

import type { EventId, RoomId } from '@matrix-futures/engine';
import type { Requester } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import type { EventWriter, Transaction } from './event-writer.ts';
import type { MessageRate, Rooms } from './rooms.ts';

/** The path of a request with a transaction id, in its one canonical form. */
export interface TransactionPath {
  readonly room: RoomId;
  readonly type: string;
  readonly txnId: string;
  /** the event named in the path of `/redact`; null for `/send` */
  readonly target: EventId | null;
}

/** The request that an event is sent by. */
export interface Asked {
  readonly requester: Requester;
  /** aborted when the client goes away before it has its answer */
  readonly signal: AbortSignal;
}

/** How a request becomes an event. What is handed in runs inside a unit, and may throw what the room answers. */
export interface Sending {
  /**
   * Sends, unless the same device has sent with this transaction id on this path before: then the answer is that
   * event, before the body is looked at and before limits count (client-server API, "Transaction identifiers").
   */
  once(asked: Asked, path: TransactionPath, send: (transaction: Transaction) => EventId): Promise<EventId>;
  state(asked: Asked, set: () => EventId): Promise<EventId>;
}

export interface SendingParts {
  readonly turn: Turn;
  readonly writer: EventWriter;
  readonly messageRate: MessageRate;
}

/** The event row is the memory of its transaction, so it lasts as long as the event. Duplicates at the same moment find
 * the first one's row. */
export function createSending({ turn, writer, messageRate }: SendingParts): Sending {
  return {
    once({ requester }, path, send) {
      const transaction = transactionOf(requester, path);
      return turn.unit(() => {
        const before = writer.sent(requester.user, path.room, path.type, transaction);
        if (before !== undefined) return before;
        messageRate.take(requester);
        return send(transaction);
      });
    },
    state: ({ requester }, set) =>
      turn.unit(() => {
        messageRate.take(requester);
        return set();
      }),
  };
}

/** Was an event sent with this transaction id from this device on this path? */
export function hasSent(
  { turn, writer }: Rooms,
  requester: Requester,
  path: TransactionPath,
): Promise<boolean> {
  const transaction = transactionOf(requester, path);
  return turn.unit(() => writer.sent(requester.user, path.room, path.type, transaction) !== undefined);
}

/** The transaction as it is remembered beside its event. */
export function transactionOf(
  { device }: Requester,
  { txnId, target }: Pick<TransactionPath, 'txnId' | 'target'>,
): Transaction {
  return { device: device ?? '', id: txnId, target };
}

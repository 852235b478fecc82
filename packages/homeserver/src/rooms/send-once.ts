import type { EventId, RoomId } from '@matrix-futures/engine';
import type { Requester } from '@matrix-futures/http';
import type { Transaction } from './event-writer.ts';
import type { Rooms } from './rooms.ts';

/** The path of a request with a transaction id, in its one canonical form. */
export interface TransactionPath {
  readonly room: RoomId;
  readonly type: string;
  readonly txnId: string;
  /** the event named in the path of `/redact`; null for `/send` */
  readonly target: EventId | null;
}

/** Was an event sent with this transaction id from this device on this path? */
export function hasSent(
  { turn, writer }: Rooms,
  { user, device }: Requester,
  { room, type, txnId, target }: TransactionPath,
): Promise<boolean> {
  const transaction = { device: device ?? '', id: txnId, target };
  return turn.unit(() => writer.sent(user, room, type, transaction) !== undefined);
}

/**
 * Sends, unless the same device has sent with this transaction id on this path before: then the answer is that event,
 * before the body is looked at and before limits count (client-server API, "Transaction identifiers"). The event row
 * is the memory, so it lasts as long as the event. Duplicates at the same moment find the first one's row.
 */
export function sendOnce(
  rooms: Rooms,
  requester: Requester,
  { room, type, txnId, target }: TransactionPath,
  send: (transaction: Transaction) => EventId,
): Promise<EventId> {
  const transaction = { device: requester.device ?? '', id: txnId, target };
  return rooms.turn.unit(() => {
    const before = rooms.writer.sent(requester.user, room, type, transaction);
    if (before !== undefined) return before;
    rooms.messageRate.take(requester);
    return send(transaction);
  });
}

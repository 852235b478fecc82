import type { EventId, Ms, Timers } from '@matrix-futures/engine';
import type { Sending, SendingParts } from '../rooms/sending.ts';
import { transactionOf } from '../rooms/sending.ts';
import type { Quirks } from './quirks.ts';
import type { TransactionMemory } from './transaction-memory.ts';

/** Sends as the server with these quirks does: it takes its time, and what happens meanwhile counts. */
export function createOddSending(
  quirks: Quirks,
  { turn, messageRate }: SendingParts,
  memory: TransactionMemory,
  timers: Timers,
): Sending {
  const underWay = new Map<string, Promise<EventId>>();
  let answers = 0;

  const pass = (time: Ms): Promise<void> =>
    time === 0 ? Promise.resolve() : new Promise((resolve) => void timers.after(time, resolve));

  const answer = async (event: EventId): Promise<EventId> => {
    answers += 1;
    const { lateAnswers } = quirks;
    if (lateAnswers !== null && answers % lateAnswers.every === 0) await pass(lateAnswers.by);
    return event;
  };

  const sendNew: Sending['once'] = async ({ requester, signal }, path, send) => {
    const before = await turn.unit(() => memory.recall(requester, path));
    if (before !== undefined) return before;
    await pass(quirks.sendTakes);
    const event = await turn.unit(() => {
      messageRate.take(requester);
      const sent = send(transactionOf(requester, path));
      if (!(quirks.forgetsCancelledSends && signal.aborted)) memory.remember(requester, path, sent);
      return sent;
    });
    return answer(event);
  };

  return {
    async once(asked, path, send) {
      if (!quirks.sharesConcurrentSends) return sendNew(asked, path, send);
      const name = memory.nameOf(asked.requester, path);
      const same = underWay.get(name);
      if (same !== undefined) return same;
      const sending = sendNew(asked, path, send).finally(() => underWay.delete(name));
      underWay.set(name, sending);
      return sending;
    },
    async state({ requester }, set) {
      await pass(quirks.sendTakes);
      const event = await turn.unit(() => {
        messageRate.take(requester);
        return set();
      });
      return answer(event);
    },
  };
}

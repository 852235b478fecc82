import type { Draft, Futures, Generation, JsonObject, Ms, Scheduled } from '@matrix-futures/engine';
import type { Answer, MatrixError } from '@matrix-futures/http';
import { draftOf, type DraftRequest } from './draft.ts';
import { heartbeatOf } from './heartbeat.ts';
import { scheduleError } from './refusals.ts';
import { transactionScope } from './transaction-scope.ts';

/** What a generation of the protocol has of its own where one event is scheduled. */
export interface SchedulingDialect {
  readonly generation: Generation;
  /** one space of transaction ids */
  readonly operation: 'future' | 'delay';
  readonly answer: (scheduled: Scheduled) => JsonObject;
  readonly tooLong: (maximum: Ms) => MatrixError;
}

/** An event, and when and where it is to be sent. */
export interface Wanted extends Pick<Draft, 'type' | 'stateKey' | 'content'> {
  readonly timeout: Ms | null;
  /** null: a group of its own */
  readonly groupName: string | null;
}

/** One event to be sent later. */
export interface Asked extends DraftRequest {
  /** The parts of the path that its spellings have in common, the transaction id last; null: it has none, so a repeat
   * is another request. */
  readonly transaction: readonly string[] | null;
  /**
   * Reads the rest of the request, once it is clear that it was not answered before.
   * @throws MatrixError
   */
  readonly read: () => Wanted;
}

/** Schedules one event; a repeated transaction is answered before parameters and body are looked at. */
export async function scheduleOnce(
  futures: Futures,
  dialect: SchedulingDialect,
  asked: Asked,
): Promise<Answer> {
  const { requester, transaction, query, read } = asked;
  const answer = (scheduled: Scheduled): Answer => ({ body: dialect.answer(scheduled) });
  const scope = transaction === null ? null : transactionScope(requester, dialect.operation, transaction);

  const run = async (): Promise<Answer> => {
    const { timeout, groupName, ...event } = read();
    const scheduled = await futures.schedule({
      owner: requester.user,
      generation: dialect.generation,
      draft: draftOf(asked, event),
      timeout,
      heartbeat: heartbeatOf(requester, query, timeout),
      groupName,
      scope,
    });
    if (scheduled.kind === 'scheduled') return answer(scheduled);
    throw scheduled.kind === 'too-long' ? dialect.tooLong(scheduled.maximum) : scheduleError(scheduled);
  };
  return scope === null ? run() : futures.once(scope, answer, run);
}

/** What came of scheduling one event. */
export function onlyFuture({ futures }: Scheduled): Scheduled['futures'][number] {
  const [only] = futures;
  if (only === undefined) throw new Error('Nothing was scheduled');
  return only;
}

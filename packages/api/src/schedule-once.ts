import type { Futures, Generation, JsonObject, Ms, Scheduled } from '@matrix-futures/engine';
import type { Answer, MatrixError } from '@matrix-futures/http';
import { draftOf, type DraftRequest } from './draft.ts';
import type { QueryTexts } from './query-texts.ts';
import { scheduleError } from './refusals.ts';
import { transactionScope } from './transaction-scope.ts';

/** What a generation of the protocol has of its own where one event is scheduled. */
export interface SchedulingDialect {
  readonly generation: Generation;
  /** one space of transaction ids */
  readonly operation: 'future' | 'delay';
  /** @throws MatrixError */
  readonly whenAndWhere: (query: QueryTexts) => {
    readonly timeout: Ms | null;
    readonly groupName: string | null;
  };
  readonly answer: (scheduled: Scheduled) => JsonObject;
  readonly tooLong: (maximum: Ms) => MatrixError;
}

/** One event to be sent later. */
export interface Asked extends DraftRequest {
  readonly type: string;
  /** null: a message */
  readonly stateKey: string | null;
  /** null: none was given, so a repeat is another request */
  readonly transactionId: string | null;
  /** @throws MatrixError */
  readonly body: () => JsonObject;
}

/** Schedules one event; a repeated transaction is answered before parameters and body are looked at. */
export async function scheduleOnce(
  futures: Futures,
  dialect: SchedulingDialect,
  asked: Asked,
): Promise<Answer> {
  const { requester, room, type, stateKey, transactionId, query, body } = asked;
  const answer = (scheduled: Scheduled): Answer => ({ body: dialect.answer(scheduled) });
  const event = stateKey === null ? ['send', room, type] : ['state', room, type, stateKey];
  const scope =
    transactionId === null ? null : transactionScope(requester, dialect.operation, [...event, transactionId]);

  const run = async (): Promise<Answer> => {
    const { timeout, groupName } = dialect.whenAndWhere(query);
    const scheduled = await futures.schedule({
      owner: requester.user,
      generation: dialect.generation,
      draft: draftOf(asked, { type, stateKey, content: body() }),
      timeout,
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

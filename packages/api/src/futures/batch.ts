import type { Draft, Futures, JsonObject, Scheduled } from '@matrix-futures/engine';
import {
  type Answer,
  client,
  endpoint,
  type Endpoint,
  MatrixError,
  parseJson,
  type Requester,
  unstable,
} from '@matrix-futures/http';
import Type from 'typebox';
import { draftOf, draftParameters } from '../draft.ts';
import { eventContent } from '../event-content.ts';
import { heartbeatOf } from '../heartbeat.ts';
import { queryTexts, type QueryTexts } from '../query-texts.ts';
import { scheduleError } from '../refusals.ts';
import { transactionScope } from '../transaction-scope.ts';
import { type BatchEvent, isBatch, readBatch } from './batch-body.ts';
import { tokensAnswer, tokensSchema, tooLong } from './dialect.ts';
import { features } from './spellings.ts';

const path = '/rooms/:roomId/send/future/:txnId';

/** The plain `PUT /rooms/{roomId}/send/{eventType}/{txnId}`, whose path the batch shares. */
export interface PlainSend {
  readonly endpoint: Endpoint;
  /** Has the plain endpoint answered this transaction? */
  readonly hasAnswered: (
    requester: Requester,
    path: { readonly room: string; readonly type: string; readonly transactionId: string },
  ) => boolean | Promise<boolean>;
  /**
   * Counts one event of a batch that is sent at once, as the plain endpoint counts its own.
   * @throws MatrixError M_LIMIT_EXCEEDED
   */
  readonly countEvent: (requester: Requester) => void;
}

/**
 * `PUT /unstable/FEATURE/rooms/{roomId}/send/future/{txnId}` (text of 6 June 2024, "Batch sending futures with custom
 * endpoint"): a whole group, and an event that is sent at once, in one step, all or nothing.
 */
export function unstableBatch(futures: Futures, plain: PlainSend): Endpoint {
  return endpoint({
    method: 'PUT',
    paths: unstable(features, path),
    authentication: 'required',
    summary: 'Sends an event and schedules a group of futures',
    query: queryTexts(draftParameters),
    body: eventContent,
    answers: batchSchema,
    handle: ({ requester, params, query, body }) =>
      scheduleBatchOnce(futures, plain, {
        requester,
        room: params.roomId,
        query,
        transactionId: params.txnId,
        body,
      }),
  });
}

const event_id = Type.String();

const batchSchema = Type.Object({
  send_on_timeout: Type.Optional(tokensSchema),
  send_on_action: Type.Optional(Type.Record(Type.String(), Type.Object({ send_token: Type.String() }))),
  send_now: Type.Optional(Type.Object({ event_id, eventId: event_id })),
});

/**
 * The same on the stable path, which is also that of a plain event of the type `future`. Which of the two a request is,
 * its transaction says if it was answered before, and its body if not.
 */
export function batch(futures: Futures, plain: PlainSend): Endpoint {
  const whole = unstableBatch(futures, plain);
  const event = atBatchPath(plain.endpoint);
  const isOne = async (incoming: Incoming, bytes: Uint8Array): Promise<boolean> => {
    const { requester, params } = incoming;
    const { roomId: room = '', txnId: transactionId = '' } = params;
    if (requester === null) return false;
    return futures.once(
      scopeOf(requester, room, transactionId),
      () => true,
      () => isNewBatch(plain, incoming, bytes),
    );
  };
  return {
    ...whole,
    paths: client(path),
    answers: Type.Union([batchSchema, Type.Object({ event_id })]),
    answer: async (incoming) => {
      const bytes = await incoming.readBody();
      const again = { ...incoming, readBody: () => Promise.resolve(bytes) };
      return (await isOne(incoming, bytes)) ? whole.answer(again) : event.answer(again);
    },
  };
}

/**
 * What is left of it where futures are switched off: sent as a plain event, a batch would put what is to follow later
 * into the room at once.
 */
export function refusedBatch(plain: PlainSend, refusal: () => MatrixError): Endpoint {
  const event = atBatchPath(plain.endpoint);
  return {
    ...event,
    summary: 'Sends an event of the type `future`; refuses a batch',
    answer: async (incoming) => {
      const bytes = await incoming.readBody();
      if (await isNewBatch(plain, incoming, bytes)) throw refusal();
      return event.answer({ ...incoming, readBody: () => Promise.resolve(bytes) });
    },
  };
}

/** Is it a batch by its body, and no repeat of a plain event? */
async function isNewBatch(
  plain: PlainSend,
  { requester, params }: Incoming,
  bytes: Uint8Array,
): Promise<boolean> {
  const { roomId: room = '', txnId: transactionId = '' } = params;
  if (requester === null || !isBatch(parsed(bytes))) return false;
  return !(await plain.hasAnswered(requester, { room, type, transactionId }));
}

const type = 'future';

/** An endpoint of plain `send`, serving events of the type `future`: the router finds the batch's path before its own. */
export function atBatchPath(endpointOfSend: Endpoint): Endpoint {
  return {
    ...endpointOfSend,
    paths: client(path),
    answer: (incoming) =>
      endpointOfSend.answer({ ...incoming, params: { ...incoming.params, eventType: type } }),
  };
}

type Incoming = Parameters<Endpoint['answer']>[0];

function parsed(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes);
  } catch (error) {
    if (error instanceof MatrixError) return null;
    throw error;
  }
}

function scopeOf(requester: Requester, room: string, transactionId: string): string {
  return transactionScope(requester, 'future', ['batch', room, transactionId]);
}

interface BatchCall {
  readonly requester: Requester;
  readonly room: string;
  readonly query: QueryTexts;
  readonly transactionId: string;
  readonly body: () => JsonObject;
}

function scheduleBatchOnce(futures: Futures, plain: PlainSend, call: BatchCall): Promise<Answer> {
  const { requester, room, query, transactionId, body } = call;
  const scope = scopeOf(requester, room, transactionId);
  const draft = ({ type: eventType, state_key: stateKey, content }: BatchEvent): Draft =>
    draftOf(call, { type: eventType, stateKey: stateKey ?? null, content });
  return futures.once(scope, answerOf, async () => {
    const { timeout, sendOnTimeout, sendOnAction, sendNow } = readBatch(body());
    if (sendNow !== null) plain.countEvent(requester);
    const scheduled = await futures.scheduleBatch({
      owner: requester.user,
      timeout,
      heartbeat: heartbeatOf(requester, query, timeout),
      sendOnTimeout: draft(sendOnTimeout),
      sendOnAction: new Map(Array.from(sendOnAction, ([name, event]) => [name, draft(event)])),
      sendNow: sendNow && draft(sendNow),
      scope,
    });
    if (scheduled.kind === 'scheduled') return answerOf(scheduled);
    throw scheduled.kind === 'too-long' ? tooLong(scheduled.maximum) : scheduleError(scheduled);
  });
}

/** The text writes `eventId`; every other endpoint of Matrix `event_id`. Clients of both find theirs. */
function answerOf({ futures, sendNow }: Scheduled): Answer {
  const actions = futures.flatMap(({ action, tokens }) =>
    action === null ? [] : [[action, { send_token: tokens.send }] as const],
  );
  const [onTimeout] = futures.filter(({ action }) => action === null);
  return {
    body: {
      ...(onTimeout && { send_on_timeout: tokensAnswer(onTimeout.tokens) }),
      ...(actions.length > 0 && { send_on_action: Object.fromEntries(actions) }),
      ...(sendNow !== null && { send_now: { event_id: sendNow, eventId: sendNow } }),
    },
  };
}

import type { JsonObject, JsonValue } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { eventContent } from '../event-content.ts';
import { checkWholeNumber } from '../whole-number.ts';
import { longestName, timeoutRule } from './parameters.ts';
import { memberSpellings } from './spellings.ts';

const schema = Type.Object({
  type: Type.String(),
  content: eventContent,
  state_key: Type.Optional(Type.String()),
});
const event = Compile(schema);

/** An event in a batch. */
export type BatchEvent = Static<typeof schema>;

export interface BatchBody {
  /** milliseconds */
  readonly timeout: number;
  readonly sendOnTimeout: BatchEvent;
  readonly sendOnAction: ReadonlyMap<string, BatchEvent>;
  readonly sendNow: BatchEvent | null;
}

/** Is this the body of a batch, and not the content of an event of the type `future`? */
export function isBatch(body: unknown): boolean {
  return typeof body === 'object' && body !== null && sendOnTimeout.some((name) => Object.hasOwn(body, name));
}

const sendOnTimeout = memberSpellings('send_on_timeout');

/**
 * Reads the body of a batch (text of 6 June 2024, "Batch sending futures with custom endpoint"), each member in any
 * of its spellings.
 * @throws MatrixError M_MISSING_PARAM, M_BAD_JSON, M_INVALID_PARAM
 */
export function readBatch(body: JsonObject): BatchBody {
  const timeout = member(body, 'timeout');
  const onTimeout = member(body, 'send_on_timeout');
  const onAction = member(body, 'send_on_action');
  const now = member(body, 'send_now');
  if (timeout === undefined) throw missing('timeout');
  if (onTimeout === undefined) throw missing('send_on_timeout');
  return {
    timeout: checkWholeNumber(timeout, timeoutRule('timeout')),
    sendOnTimeout: readEvent('send_on_timeout', onTimeout),
    sendOnAction: onAction === undefined ? new Map() : readActions(onAction),
    sendNow: now === undefined ? null : readEvent('send_now', now),
  };
}

function member(body: JsonObject, name: string): JsonValue | undefined {
  const spelled = memberSpellings(name).find((spelling) => Object.hasOwn(body, spelling));
  return spelled === undefined ? undefined : body[spelled];
}

function readActions(value: JsonValue): ReadonlyMap<string, BatchEvent> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MatrixError('badJson', 'send_on_action must be an object');
  const actions = Object.entries(value);
  for (const [name] of actions) judgeActionName(name);
  return new Map(actions.map(([name, action]) => [name, readEvent('send_on_action', action)]));
}

/** It is kept for as long as the transaction is: longer than the event, and beside what is counted of contents. */
function judgeActionName(name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes <= longestName) return;
  throw new MatrixError(
    'invalidParam',
    `The name of an action in send_on_action has ${bytes} bytes; it may have ${longestName}`,
  );
}

function readEvent(where: string, value: unknown): BatchEvent {
  if (event.Check(value)) return value;
  const [wrong] = event.Errors(value);
  throw new MatrixError(
    wrong?.keyword === 'required' ? 'missingParam' : 'badJson',
    `${where}${wrong?.instancePath.replaceAll('/', '.')} ${wrong?.message}`,
  );
}

function missing(name: string): MatrixError {
  return new MatrixError('missingParam', `${name} is missing`);
}

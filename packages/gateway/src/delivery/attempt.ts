import {
  HomeserverUnavailable,
  type Accepted,
  type Draft,
  type Ms,
  type NotTaken,
  type Refusal,
  type Refused,
  type Unknown,
} from '@matrix-futures/engine';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { HomeserverKind } from '../kinds/kind.ts';
import type { Puppet, PuppetRequest } from '../upstream/puppet.ts';
import { Unanswered, Unreached, type UpstreamAnswer } from '../upstream/upstream.ts';
import { readError, refusalOf, retryAfterOf } from './answer-error.ts';
import type { Masquerades } from './masquerades.ts';
import { OwnTrouble } from './own-trouble.ts';
import type { StateProof } from './state-proof.ts';

type Outcome = Accepted | Refused | NotTaken | Unknown;

const sent = Compile(Type.Object({ event_id: Type.String() }));

export interface AttemptParts {
  readonly puppet: Puppet;
  readonly masquerades: Masquerades;
  readonly kind: () => HomeserverKind;
  readonly proof: StateProof;
  /** what only the operator can mend */
  readonly onTrouble: (trouble: OwnTrouble) => void;
}

/** One request that puts an event into its room, and what its answer means. */
export class Attempt {
  readonly #parts: AttemptParts;

  constructor(parts: AttemptParts) {
    this.#parts = parts;
  }

  async make(draft: Draft, transactionId: string, timestamp: number, limit: Ms): Promise<Outcome> {
    const { puppet, kind } = this.#parts;
    try {
      const answer = await puppet.put({ ...requestFor(draft, transactionId, timestamp), limit });
      return await this.#read(answer, draft, timestamp);
    } catch (error) {
      if (error instanceof Unreached) return notTaken('The homeserver cannot be reached');
      if (error instanceof Unanswered)
        return { kind: 'unknown', mayRunFor: error.closedByPeer ? kind().afterConnection : null };
      throw error;
    }
  }

  #read(answer: UpstreamAnswer, draft: Draft, timestamp: number): Outcome | Promise<Outcome> {
    const { status, body } = answer;
    const { kind, proof } = this.#parts;
    if (status === 200 && sent.Check(body)) {
      const { event_id: event } = body;
      return draft.stateKey === null || kind().provesState
        ? { kind: 'accepted', event }
        : proof.judge(draft, timestamp, event);
    }
    if (status === 429) return notTaken('The homeserver limits the rate', retryAfterOf(answer), 429);
    if (status < 400 || status >= 500)
      return { kind: 'unknown', mayRunFor: isOwnError(answer) ? kind().afterError : null };
    return this.#refused(answer, draft);
  }

  async #refused(answer: UpstreamAnswer, draft: Draft): Promise<Outcome> {
    const error = refusalOf(answer);
    try {
      if (error !== null && !isAboutUs(answer) && (await this.#isOfTheRoom(answer, draft)))
        return { kind: 'refused', error };
    } catch (unavailable) {
      if (!(unavailable instanceof HomeserverUnavailable)) throw unavailable;
      return notTaken('The homeserver refuses, and cannot be asked whether it refuses the gateway');
    }
    this.#parts.onTrouble(OwnTrouble.of(answer));
    return notTaken('The homeserver does not let the gateway send; its operator has to mend that');
  }

  /** @throws HomeserverUnavailable */
  async #isOfTheRoom(answer: UpstreamAnswer, { sender }: Draft): Promise<boolean> {
    const isAmbiguous = answer.status === 403 && readError(answer).errcode === 'M_FORBIDDEN';
    return !isAmbiguous || this.#parts.masquerades.mayActAs(sender);
  }
}

/** The homeserver's, and not of a proxy in front of it, which knows nothing of what goes on behind it. */
function isOwnError(answer: UpstreamAnswer): boolean {
  return answer.status === 500 && readError(answer).errcode !== null;
}

/** Codes that say nothing about the event: a token, a path, or a namespace is not as the gateway needs it. */
const aboutUs: readonly string[] = [
  'M_UNRECOGNIZED',
  'M_EXCLUSIVE',
  'M_MISSING_TOKEN',
  'M_UNKNOWN_TOKEN',
  'M_RESOURCE_LIMIT_EXCEEDED',
];

function isAboutUs(answer: UpstreamAnswer): boolean {
  return answer.status === 401 || aboutUs.includes(readError(answer).errcode ?? '');
}

function notTaken(error: string, retryAfter: Ms | null = null, status: 429 | 502 = 502): NotTaken {
  const refusal: Refusal = {
    ...{ status, errcode: status === 429 ? 'M_LIMIT_EXCEEDED' : 'M_UNKNOWN', error },
    ...(retryAfter !== null && { fields: { retry_after_ms: Math.ceil(retryAfter) } }),
  };
  return { kind: 'not-taken', error: refusal, retryAfter };
}

/** `ts` makes the event known again by its `origin_server_ts` (application service API, "Timestamp massaging"). */
function requestFor(draft: Draft, transactionId: string, timestamp: number): PuppetRequest {
  const { room, sender: as, type, stateKey, content } = draft;
  const { stickyDurationMs } = draft.extras;
  const redacts = redactedBy(draft);
  if (redacts !== null) {
    const { redacts: _, ...body } = content;
    return { as, path: ['rooms', room, 'redact', redacts, transactionId], body };
  }
  const where = stateKey === null ? ['send', type, transactionId] : ['state', type, stateKey];
  return {
    as,
    path: ['rooms', room, ...where],
    query: {
      ts: String(timestamp),
      ...(stickyDurationMs !== undefined && {
        'org.matrix.msc4354.sticky_duration_ms': String(stickyDurationMs),
      }),
    },
    body: content,
  };
}

/**
 * What a redaction redacts; null: it is none. Redactions go by `PUT /redact` in every room version: as plain events,
 * Synapse answers them with 500 in version 10, and Dendrite with an event id and nothing redacted.
 */
export function redactedBy({ type, stateKey, content }: Draft): string | null {
  const { redacts } = content;
  return type === 'm.room.redaction' && stateKey === null && typeof redacts === 'string' ? redacts : null;
}

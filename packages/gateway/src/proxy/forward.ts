import type { Ms } from '@matrix-futures/engine';
import { limitBodyTime, MatrixError, prepareAnswer, sendPrepared, type Timers } from '@matrix-futures/http';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { hasPassableStatus, headersDown, headersUp, type Overrides } from './headers.ts';
import { originForm, rawPath } from './path.ts';
import type { Target } from './target.ts';

// Why not a library: @fastify/reply-from 12 leaves the homeserver's request running when the client goes before the
// answer; httpxy 0.5 passes hop-by-hop headers on and folds doubled ones. What is needed of either is this page.

/** A request of a client's on its way to the homeserver. */
export interface Passing {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** What differs from the client's own request. */
export interface Changes {
  readonly headers?: Overrides;
  /** in place of the request's own stream, which was read already */
  readonly body?: Uint8Array;
  /** ends the request to the homeserver, as the client's going does */
  readonly signal?: AbortSignal;
}

/** There is no answer of the homeserver's: it cannot be reached, or went away before it answered. Worded for clients. */
export class NoAnswer extends MatrixError {
  constructor() {
    super('badGateway', 'The homeserver cannot be reached now');
  }
}

/**
 * Streams requests to the homeserver and answers back, with back-pressure and without a limit of size or time; only a
 * body of which nothing more comes is given up.
 */
export class Forwarder {
  readonly #target: Target;
  readonly #timers: Timers;
  readonly #polls = new Set<ClientRequest>();

  constructor(target: Target, timers: Timers) {
    this.#target = target;
    this.#timers = timers;
  }

  /**
   * Sends a request on; resolves with the answer's head, before its body. When the client goes, the request to the
   * homeserver ends at once.
   * @throws NoAnswer
   */
  send({ request, response }: Passing, { headers, body, signal }: Changes = {}): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      if (response.destroyed || signal?.aborted) return reject(new NoAnswer());
      const sent = this.#target.request({
        method: request.method ?? 'GET',
        path: originForm(request.url ?? '/'),
        headers: headersUp(request, this.#target.host, headers, body?.length ?? null),
      });
      const abort = () => void sent.destroy();
      const clientGone = () => {
        if (!response.writableFinished) sent.destroy();
      };
      if (longPoll.test(rawPath(request.url ?? '/'))) this.#polls.add(sent);
      response.once('close', clientGone);
      signal?.addEventListener('abort', abort, { once: true });
      sent.once('response', (answer) => {
        this.#polls.delete(sent);
        if (hasPassableStatus(answer)) resolve(answer);
        else sent.destroy();
      });
      sent.on('error', (error) => reject(error instanceof MatrixError ? error : new NoAnswer()));
      sent.once('close', () => {
        this.#polls.delete(sent);
        response.off('close', clientGone);
        signal?.removeEventListener('abort', abort);
        reject(new NoAnswer());
      });
      if (body === undefined) stream(request, sent, this.#timers);
      else sent.end(body);
    });
  }

  /** Ends the syncs that wait for something new: their clients ask again. */
  endPolls(): void {
    for (const sent of this.#polls) sent.destroy();
  }

  /** Answers what `send` threw, as far as anybody is still there to read it. */
  fail(passing: Passing, error: unknown): void {
    this.refuse(
      passing,
      error instanceof MatrixError ? error : new MatrixError('unknown', 'Internal server error'),
    );
  }

  /** Answers instead of the homeserver. What is left of the body is read, so that no reset overtakes the answer. */
  refuse({ request, response }: Passing, { status, body, headers }: MatrixError): void {
    if (response.headersSent) return void response.destroy();
    if (response.destroyed) return;
    limitBodyTime(request, response, discardTime, this.#timers);
    request.resume();
    sendPrepared(response, prepareAnswer(status, body, headers));
  }
}

const discardTime = 30_000;

/** `/sync` of every version, sliding ones too, and what it was before. */
const longPoll = /\/client\/.*\/(?:sync|events)$/;

/** A body of which nothing comes for so long keeps a connection to the homeserver from others no longer. */
export const longestSilence: Ms = 60_000;

/** When the homeserver ends the connection before it has the whole body, the client's rest is discarded. */
function stream(request: IncomingMessage, sent: ClientRequest, timers: Timers): void {
  request.pipe(sent);
  request.once('error', () => sent.destroy());
  const cancel = endInSilence(request, sent, timers);
  sent.once('close', () => {
    cancel();
    request.unpipe(sent);
    request.resume();
  });
}

function endInSilence(request: IncomingMessage, sent: ClientRequest, timers: Timers): () => void {
  let read = request.socket.bytesRead;
  const judge = () => {
    if (request.complete) return;
    const { bytesRead } = request.socket;
    // What the homeserver has not taken yet is not the client's silence.
    if (bytesRead === read && !sent.writableNeedDrain)
      return void sent.destroy(new MatrixError('bodyTooSlow', 'Nothing more of the body came'));
    read = bytesRead;
    cancel = timers.after(longestSilence, judge);
  };
  let cancel = timers.after(longestSilence, judge);
  return () => cancel();
}

/**
 * Streams an answer of the homeserver's to the client.
 * @param begun what of its body was read already
 */
export function relay(
  answer: IncomingMessage,
  response: ServerResponse,
  begun: readonly Uint8Array[] = [],
): void {
  if (response.destroyed) return void answer.destroy();
  // What the server says of its own answers is not true of this one.
  const own = new Set(response.getHeaderNames());
  for (const name of own) response.removeHeader(name);
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headersDown(answer, own));
  for (const chunk of begun) response.write(chunk);
  answer.on('error', () => {});
  answer.once('close', () => {
    // ended as if it were whole, half an answer would be taken for all of it
    if (!answer.complete) response.destroy();
  });
  answer.pipe(response);
  // long polls and event streams: the head is an answer in itself
  response.flushHeaders();
}

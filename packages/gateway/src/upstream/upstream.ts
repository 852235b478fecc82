import { HomeserverUnavailable, type JsonObject, type Ms, type Timers } from '@matrix-futures/engine';
import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** A request of the gateway's own; what clients send is streamed by the proxy instead. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  /** percent-encoded, from the first slash on */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: JsonObject;
  /** without an answer after so long it is given up */
  readonly limit: Ms;
}

/** What the homeserver, or a proxy in front of it, answered. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** what the body says as JSON; undefined where it is none */
  readonly body: unknown;
}

/** There was no connection, so nothing of the request has reached the homeserver. */
export class Unreached extends HomeserverUnavailable {}

/** The request was written, or a part of it, and no whole answer came: what it asked for may have been done. */
export class Unanswered extends HomeserverUnavailable {
  /** The other side ended the connection; false: it was still open when we gave up. */
  readonly closedByPeer: boolean;

  constructor(message: string, closedByPeer: boolean, options: ErrorOptions = {}) {
    super(message, options);
    this.closedByPeer = closedByPeer;
  }
}

/** Longer answers are given up: the longest that is asked for is a page of 100 events of 64 KiB. */
const longestAnswer = 16 * 1024 * 1024;

/**
 * An idle connection is closed by us before any homeserver does it (Synapse: 5 s behind some proxies): a request that
 * meets the other side's close could not be told from one that was done.
 */
const idle: Ms = 4_000;

const connections = 256;

/**
 * The homeserver behind the gateway. One call is one request: nothing is ever repeated here, since a repeat may be a
 * second event.
 */
export class Upstream {
  readonly #base: URL;
  readonly #timers: Timers;
  readonly #agent: HttpAgent;
  readonly #send: typeof httpRequest;
  readonly #watchers: ((reached: boolean) => void)[] = [];

  /** @param url of the client-server API, without `/_matrix` */
  constructor(url: string, timers: Timers) {
    this.#base = new URL(url);
    this.#timers = timers;
    const options = { keepAlive: true, maxSockets: connections, timeout: idle };
    const isSecure = this.#base.protocol === 'https:';
    this.#agent = isSecure ? new HttpsAgent(options) : new HttpAgent(options);
    this.#send = isSecure ? httpsRequest : httpRequest;
  }

  /** `run` hears of every request whether the homeserver was reached by it. */
  onContact(run: (reached: boolean) => void): void {
    this.#watchers.push(run);
  }

  /** @throws Unreached, Unanswered */
  async ask(asked: UpstreamRequest): Promise<UpstreamAnswer> {
    try {
      const answer = await this.#ask(asked);
      // What a proxy in front of a homeserver answers when that is away.
      this.#tell(answer.status < 502 || answer.status > 504);
      return answer;
    } catch (error) {
      this.#tell(false);
      throw error;
    }
  }

  #tell(reached: boolean): void {
    for (const run of this.#watchers) run(reached);
  }

  #ask({
    method,
    path,
    query = {},
    token,
    headers = {},
    body,
    limit,
  }: UpstreamRequest): Promise<UpstreamAnswer> {
    const search = new URLSearchParams(query).toString();
    const bytes = body === undefined ? null : Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const request = this.#send({
        agent: this.#agent,
        protocol: this.#base.protocol,
        hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
        port: this.#base.port,
        method,
        path: `${this.#base.pathname.replace(/\/$/, '')}${path}${search === '' ? '' : `?${search}`}`,
        headers: {
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          Accept: 'application/json',
          ...headers,
          ...(bytes !== null && { 'Content-Type': 'application/json', 'Content-Length': bytes.length }),
        },
      });
      const connected = watchConnection(
        request,
        this.#base.protocol === 'https:' ? 'secureConnect' : 'connect',
      );
      let gaveUp = false;
      const cancel = this.#timers.after(limit, () => {
        gaveUp = true;
        request.destroy(new Error(`no answer within ${limit} ms`));
      });
      const fail = (cause: Error): void => {
        cancel();
        reject(
          connected()
            ? new Unanswered(`The homeserver did not answer: ${cause.message}`, !gaveUp, { cause })
            : new Unreached(`The homeserver cannot be reached: ${cause.message}`, { cause }),
        );
      };
      // without an error where the homeserver switches protocols
      const ended = (): void => fail(new Error('it ended the connection'));
      request.once('error', fail);
      request.once('close', ended);
      request.once('response', (response) => {
        request.off('close', ended);
        readAnswer(response).then(
          (answer) => {
            cancel();
            resolve(answer);
          },
          (error: unknown) => {
            request.destroy();
            fail(error instanceof Error ? error : new Error(String(error)));
          },
        );
      });
      request.end(bytes ?? undefined);
    });
  }

  /** Ends idle connections. */
  close(): void {
    this.#agent.destroy();
  }
}

/**
 * Answers whether anything can have been written: a connection that was there before, or that came about.
 * @param event of the socket, by which it is there
 */
function watchConnection(request: ClientRequest, event: 'connect' | 'secureConnect'): () => boolean {
  let connected = false;
  request.once('socket', (socket) => {
    if (!socket.connecting) connected = true;
    else socket.once(event, () => (connected = true));
  });
  return () => connected;
}

function readAnswer(response: IncomingMessage): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > longestAnswer) response.destroy(new Error(`an answer of more than ${longestAnswer} bytes`));
    });
    response.once('error', reject);
    response.once('end', () => {
      const { statusCode: status = 0, headers } = response;
      resolve({ status, headers, body: parse(Buffer.concat(chunks)) });
    });
  });
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

import type { Ms } from '@matrix-futures/engine';
import { Agent as HttpAgent, type ClientRequest, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** An idle connection is ended by us before a homeserver does it: a request that meets its close would be lost. */
const idle: Ms = 4_000;

/** One request of a client's, as the homeserver is to get it. */
export interface Outgoing {
  readonly method: string;
  /** path and query as the client wrote them, not decoded */
  readonly path: string;
  /** names and values in turn, framing of the body included */
  readonly headers: readonly string[];
}

/** Where clients' requests go on to: the homeserver, over connections that are kept for the next request. */
export class Target {
  /** `host:port`, for requests that name no host */
  readonly host: string;
  readonly #base: URL;
  readonly #agent: HttpAgent;

  /**
   * @param url of the homeserver, without `/_matrix`
   * @param connections at most so many at once; a request beyond them waits for one to become free
   */
  constructor(url: string, connections: number) {
    this.#base = new URL(url);
    this.host = this.#base.host;
    const options = { keepAlive: true, maxSockets: connections, timeout: idle };
    this.#agent = this.#base.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** Begins a request; its body is still to be written. Never repeated, since a repeat may be a second event. */
  request({ method, path, headers }: Outgoing): ClientRequest {
    const send = this.#base.protocol === 'https:' ? httpsRequest : httpRequest;
    return send({
      agent: this.#agent,
      hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
      port: this.#base.port,
      method,
      path: `${this.#base.pathname.replace(/\/$/, '')}${path}`,
      headers,
    });
  }

  /** Ends the connections, those in use too. */
  close(): void {
    this.#agent.destroy();
  }
}

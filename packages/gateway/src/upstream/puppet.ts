import type { JsonObject, Ms, UserId } from '@matrix-futures/engine';
import type { Upstream, UpstreamAnswer } from './upstream.ts';

/** A request made in the name of a user. */
export interface PuppetRequest {
  readonly as: UserId;
  /** below `/_matrix/client/v3`, each segment still to be percent-encoded */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: JsonObject;
  readonly limit?: Ms;
}

/** How long a question may take that is asked before an attempt; whoever asks tries again later. */
const patience: Ms = 10_000;

/**
 * Acts as any user of the homeserver, by the first of the two registrations (application service API, "Identity
 * assertion"). `user_id` goes with every request: without it, homeservers act as the service's own bot. `device_id` never
 * does: an event that was sent with a device is recognised by that device only, and gone with it.
 */
export class Puppet {
  readonly #upstream: Upstream;
  readonly #token: string;

  /** @param token `as_token` of the puppet: the power over every account of the homeserver */
  constructor(upstream: Upstream, token: string) {
    this.#upstream = upstream;
    this.#token = token;
  }

  /** @throws Unreached, Unanswered */
  get(request: PuppetRequest): Promise<UpstreamAnswer> {
    return this.#ask('GET', request);
  }

  /** @throws Unreached, Unanswered */
  put(request: PuppetRequest): Promise<UpstreamAnswer> {
    return this.#ask('PUT', request);
  }

  #ask(
    method: 'GET' | 'PUT',
    { as, path, query = {}, body, limit = patience }: PuppetRequest,
  ): Promise<UpstreamAnswer> {
    return this.#upstream.ask({
      method,
      path: `/_matrix/client/v3/${path.map(encodeURIComponent).join('/')}`,
      query: { ...query, user_id: as },
      token: this.#token,
      ...(body !== undefined && { body }),
      limit,
    });
  }
}

import type { IncomingHttpHeaders } from 'node:http';
import { MatrixError } from './errors.ts';
import type { Query } from './query.ts';

/** Who is asking. */
export interface Requester {
  /** `@local:server` */
  readonly user: string;
  /** null where the login has no device (an application service) */
  readonly device: string | null;
  readonly isGuest: boolean;
  /** An application service acts as the user. Who has no device is one in any case. */
  readonly isService?: boolean;
  /** For the scopes of callers without a device; never logged. */
  readonly accessToken: string;
}

/** The request that a token came with. */
export interface Asking {
  readonly headers: IncomingHttpHeaders;
  readonly query: Query;
  /** the IP address of the client, or of the proxy before us */
  readonly address: string;
  /** The call goes on without an answer: whoever has to wait for one rejects soon, as `AuthenticationUnavailable`. */
  readonly isOptional?: boolean;
}

/**
 * Finds the owner of an access token; null: no such token (any more). Whoever cannot tell rejects, with a MatrixError
 * where the answer is worded already: a homeserver's own 401, `AuthenticationUnavailable`.
 */
export type Authenticate = (
  accessToken: string,
  asking: Asking,
) => Requester | null | Promise<Requester | null>;

/**
 * Who is asking cannot be found out now: 503 where a login is required. Where it is optional the call goes on with
 * nobody.
 */
export class AuthenticationUnavailable extends MatrixError {
  constructor(message = 'Who is asking cannot be found out now') {
    super('authenticationUnavailable', message);
  }
}

/**
 * The access token of a request: `Authorization: Bearer …`, or the deprecated `?access_token=` (client-server
 * specification, "Using access tokens"). The header wins.
 */
export function accessTokenOf(headers: IncomingHttpHeaders, query: Query): string | null {
  const bearer = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '');
  return bearer?.[1] ?? (query.values.get('access_token')?.[0] || null);
}

import type { IncomingHttpHeaders } from 'node:http';
import type { Query } from './query.ts';

/** Who is asking. */
export interface Requester {
  /** `@local:server` */
  readonly user: string;
  /** null where the login has no device (an application service) */
  readonly device: string | null;
  readonly isGuest: boolean;
  /** For the scopes of callers without a device; never logged. */
  readonly accessToken: string;
}

/** Finds the owner of an access token; null: no such token (any more). */
export type Authenticate = (accessToken: string) => Requester | null | Promise<Requester | null>;

/**
 * The access token of a request: `Authorization: Bearer …`, or the deprecated `?access_token=` (client-server
 * specification, "Using access tokens"). The header wins.
 */
export function accessTokenOf(headers: IncomingHttpHeaders, query: Query): string | null {
  const bearer = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '');
  return bearer?.[1] ?? (query.values.get('access_token')?.[0] || null);
}

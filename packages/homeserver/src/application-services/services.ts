import { hash } from 'node:crypto';
import type { UserId } from '@matrix-futures/engine';
import type { Requester } from '@matrix-futures/http';
import { BadRegistration, type Namespace, type Registration } from './registration.ts';

/** A service as this server serves it. */
export interface ApplicationService extends Registration {
  /** the service's own user, whom it acts as unless it says otherwise */
  readonly sender: UserId;
}

/** The application services of this server, known from its start. */
export interface ApplicationServices {
  readonly all: readonly ApplicationService[];
  /** The service whose `as_token` it is; null: a user's token, or nobody's. */
  ofToken(token: string): ApplicationService | null;
  /** Is the user id kept for one of the services, other than `but`? */
  isKept(user: UserId, but: ApplicationService | null): boolean;
}

/** @throws BadRegistration when two registrations share an id, a token or a sender */
export function openServices(
  registrations: readonly Registration[],
  serverName: string,
): ApplicationServices {
  const all = registrations.map((one) => ({ ...one, sender: `@${one.senderLocalpart}:${serverName}` }));
  requireDistinct(all, 'id', ({ id }) => id);
  requireDistinct(all, 'as_token', ({ asToken }) => asToken);
  requireDistinct(all, 'sender_localpart', ({ senderLocalpart }) => senderLocalpart);
  // By hash: how long a search takes must not tell how much of a token was right.
  const byToken = new Map(all.map((one) => [hashed(one.asToken), one]));
  return {
    all,
    ofToken: (token) => (byToken.size === 0 ? null : (byToken.get(hashed(token)) ?? null)),
    isKept: (user, but) =>
      all.some((one) => one !== but && (one.sender === user || matches(one.users.filter(isExclusive), user))),
  };
}

/** May the service act as that user, and are the user's rooms its business? */
export function covers(service: ApplicationService, user: UserId): boolean {
  return service.sender === user || matches(service.users, user);
}

/** Does one of the namespaces cover the id? */
export function matches(namespaces: readonly Namespace[], text: string): boolean {
  return namespaces.some(({ pattern }) => pattern.test(text));
}

/** The service's own user is never limited by rate, those it acts as only where its registration says so. */
export function isUnlimited(services: ApplicationServices, { user, accessToken }: Requester): boolean {
  const service = services.ofToken(accessToken);
  return service !== null && (!service.rateLimited || service.sender === user);
}

const isExclusive = ({ exclusive }: Namespace): boolean => exclusive;

const hashed = (token: string): string => hash('sha256', token, 'base64url');

function requireDistinct(
  all: readonly ApplicationService[],
  key: string,
  valueOf: (service: ApplicationService) => string,
): void {
  for (const [, same] of Map.groupBy(all, valueOf)) {
    if (same.length > 1) {
      throw new BadRegistration(
        `Application services cannot share ${key}: ${same.map(({ id }) => id).join(', ')}`,
      );
    }
  }
}

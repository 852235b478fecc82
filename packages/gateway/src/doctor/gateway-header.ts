import type { UpstreamAnswer } from '../upstream/upstream.ts';

/**
 * Every answer that a gateway words itself has this header, and none that it passes on from the homeserver: by nothing
 * else can the two be told apart from outside, since errors about logins are passed on as they are.
 */
export const gatewayHeader = { name: 'X-Matrix-Futures', value: 'gateway' } as const;

/** Did a gateway word this answer itself? */
export function isFromGateway({ headers }: UpstreamAnswer): boolean {
  return headers[gatewayHeader.name.toLowerCase()] === gatewayHeader.value;
}

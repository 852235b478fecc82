import { hash } from 'node:crypto';
import type { Requester } from '@matrix-futures/http';

/**
 * Where a transaction id is one of its kind: who sent it (the user's device; the login itself where it has none), for
 * which operation, on which path, with all spellings of a path as one (client-server specification, "Transaction
 * identifiers"). As a digest, because the store keeps it and it can hold an access token.
 * @param path the parts of the path that the spellings have in common, the transaction id last
 */
export function transactionScope(
  { user, device, accessToken }: Requester,
  operation: 'future' | 'delay',
  path: readonly string[],
): string {
  const login = device === null ? ['token', accessToken] : ['device', device];
  return hash('sha256', JSON.stringify([user, login, operation, path]), 'base64url');
}

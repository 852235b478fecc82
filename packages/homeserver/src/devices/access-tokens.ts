import { hash } from 'node:crypto';
import type { Randomness, UserId } from '@matrix-futures/engine';
import type { Requester } from '@matrix-futures/http';
import type { Database } from '@matrix-futures/sqlite';
import { BoundedMap } from '../cache/bounded-map.ts';

/** Logins. Only the SHA-256 of a token is stored: 256 random bits need no slow hash. */
export interface AccessTokens {
  /** null: nobody's, or no longer */
  find(token: string): Requester | null;
  /** Inside a unit: a new token; those the device had before are void. */
  issue(user: UserId, device: string, wall: number): string;
  /** Inside a unit. */
  revokeDevice(user: UserId, device: string): void;
}

/** Requesters kept in memory, about 300 bytes each. */
const cachedTokens = 20_000;

/** @param onRevoked called inside the unit that ends a login */
export function openAccessTokens(
  database: Database,
  randomness: Randomness,
  onRevoked: (user: UserId) => void,
): AccessTokens {
  const find = database.prepare<[string], { user: UserId; device: string }>(
    'SELECT user_id AS user, device_id AS device FROM access_token WHERE token_hash = ?',
  );
  const insert = database.prepare<[string, UserId, string, number], never>(
    'INSERT INTO access_token (token_hash, user_id, device_id, created_at) VALUES (?, ?, ?, ?)',
  );
  const remove = database.prepare<[UserId, string], { tokenHash: string }>(
    'DELETE FROM access_token WHERE user_id = ? AND device_id = ? RETURNING token_hash AS tokenHash',
  );
  const cache = new BoundedMap<string, Requester>(cachedTokens);

  const revokeDevice = (user: UserId, device: string): void => {
    const revoked = remove.all(user, device);
    for (const { tokenHash } of revoked) cache.delete(tokenHash);
    if (revoked.length > 0) onRevoked(user);
  };

  return {
    find(token) {
      const tokenHash = hash('sha256', token, 'base64url');
      const known = cache.get(tokenHash);
      if (known !== undefined) return known;
      const row = find.get(tokenHash);
      if (row === undefined) return null;
      const requester = { ...row, isGuest: false, accessToken: token };
      cache.set(tokenHash, requester);
      return requester;
    },
    issue(user, device, wall) {
      revokeDevice(user, device);
      // The prefix lets scanners recognise a token that was published by mistake.
      const token = `mf_${Buffer.from(randomness.bytes(32)).toString('base64url')}`;
      insert.run(hash('sha256', token, 'base64url'), user, device, wall);
      return token;
    },
    revokeDevice,
  };
}

/** Ten letters, as other servers make them: they are shown to people. */
export function newDeviceId(randomness: Randomness): string {
  return Array.from(randomness.bytes(10), (byte) => String.fromCharCode(65 + (byte % 26))).join('');
}

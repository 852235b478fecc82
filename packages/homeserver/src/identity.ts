import type { Randomness } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';
import { isServerName } from './events/identifiers.ts';
import {
  formatSigningKey,
  generateSigningKey,
  parseSigningKey,
  type SigningKey,
} from './events/signing-key.ts';

/** The name is no server name, or not the one that the database was made for. The message says which. */
export class WrongServerName extends Error {
  override readonly name = 'WrongServerName';
}

/**
 * The key that this server signs its events with: drawn at the first start, kept in the database. Every user id and
 * every signature in the database carries the server's name, so it can never change.
 * @throws WrongServerName
 */
export async function openIdentity(
  database: Database,
  serverName: string,
  randomness: Randomness,
): Promise<SigningKey> {
  if (!isServerName(serverName)) {
    throw new WrongServerName(
      `"${serverName}" is no server name: a host name or address, and a port if need be.`,
    );
  }
  const find = database.prepare<[], { name: string; signingKey: string }>(
    'SELECT name, signing_key AS signingKey FROM server',
  );
  const insert = database.prepare<[string, string], never>(
    'INSERT INTO server (id, name, signing_key) VALUES (1, ?, ?)',
  );
  return database.turn.unit(() => {
    const row = find.get();
    if (row === undefined) {
      const key = generateSigningKey(randomness);
      insert.run(serverName, formatSigningKey(key));
      return key;
    }
    if (row.name !== serverName) {
      throw new WrongServerName(
        `The database is that of the server "${row.name}", which cannot be renamed to "${serverName}".`,
      );
    }
    const key = parseSigningKey(row.signingKey);
    if (key === null) throw new Error('The signing key in the database cannot be read.');
    return key;
  });
}

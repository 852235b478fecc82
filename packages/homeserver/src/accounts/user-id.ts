import type { UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import Type from 'typebox';

/** Bytes of a whole user id (Matrix specification, appendices, "User Identifiers"). */
const longestUserId = 255;

/**
 * The user id for a name that somebody wants to have.
 * @throws MatrixError `M_INVALID_USERNAME`: today's grammar for local parts is `a-z 0-9 . _ = - / +`
 */
export function newUserId(localpart: string, serverName: string): UserId {
  if (!/^[a-z0-9._=\-/+]+$/.test(localpart)) {
    throw new MatrixError('invalidUsername', 'A user name consists of a-z, 0-9 and ._=-/+ and is not empty.');
  }
  const user = `@${localpart}:${serverName}`;
  if (Buffer.byteLength(user) > longestUserId) {
    throw new MatrixError('invalidUsername', `A user id has at most ${longestUserId} bytes: ${user}`);
  }
  return user;
}

/** What was typed into a login form: limits are kept by it, so it has one itself. */
export const TypedUser = Type.Optional(Type.String({ maxLength: longestUserId }));

/** The user id meant by what was typed into a login form: `name` or `@name:server`. */
export function typedUserId(text: string, serverName: string): UserId {
  return text.startsWith('@') ? text : `@${text}:${serverName}`;
}

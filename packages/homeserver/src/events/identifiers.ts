/**
 * The server that a user id belongs to: all that follows the first colon, a port included. Empty where there is none.
 * Only for user ids: a room id of room version 12 has no server.
 */
export function serverOf(userId: string): string {
  const colon = userId.indexOf(':');
  return colon === -1 ? '' : userId.slice(colon + 1);
}

/** A host name or address with an optional port (Matrix specification, appendices, "Server Name"). */
const serverName = /^(?:[0-9A-Za-z.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/;

/** A host name or an address, and perhaps a port. */
export function isServerName(name: string): boolean {
  return serverName.test(name);
}

/**
 * A user id that events may name: of the historical grammar, which rooms must accept (any local part without colon or
 * NUL), at most 255 bytes (Matrix specification, appendices, "Historical User IDs").
 */
export function isUserId(id: string): boolean {
  const colon = id.indexOf(':');
  return (
    id.startsWith('@') &&
    colon > 0 &&
    !id.slice(0, colon).includes('\0') &&
    id.isWellFormed() &&
    Buffer.byteLength(id) <= 255 &&
    isServerName(id.slice(colon + 1))
  );
}

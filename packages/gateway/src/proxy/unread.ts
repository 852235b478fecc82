import type { Ms } from '@matrix-futures/engine';
import type { ServerResponse } from 'node:http';

/** As nginx has it, between two writes that got anywhere. */
export const longestUnread: Ms = 60_000;

/**
 * Ends the connection of a client that takes nothing of an answer for so long, though there is something for it: it
 * would keep a connection to the homeserver, and what was read from that. A long poll that has nothing to say yet lives
 * on. Node's timeout of a socket counts from the last byte that went either way.
 */
export function endUnread(response: ServerResponse, limit: Ms): void {
  response.setTimeout(limit, () => {
    if (response.writableLength > 0) response.destroy();
  });
}

import { client } from '@matrix-futures/http';

/**
 * The paths of the plain endpoints, spelled as the homeserver spells them: whoever takes some of their requests by a
 * query parameter must name the very same path.
 */
export const sendPaths = client('/rooms/:roomId/send/:eventType/:txnId');

/** Synapse knows a plain `send` without a transaction id: of use here only with a parameter that delays. */
export const sendWithoutTransactionPaths = client('/rooms/:roomId/send/:eventType');

/** The state key is the empty string where it is left out, with and without the slash before it. */
export const statePaths = client(
  '/rooms/:roomId/state/:eventType/:stateKey',
  '/rooms/:roomId/state/:eventType/',
  '/rooms/:roomId/state/:eventType',
);

import { corsHeaders, MatrixError } from '@matrix-futures/http';

/**
 * What a proxy says in place of a server that is down: with the headers and the body of Matrix, so that clients see an
 * error rather than nothing, and try again. Never an answer of the other server: sent at once, a leave ends the call.
 */
const error = new MatrixError('storeUnavailable', 'The server is restarting; try again in a moment');

export const awayStatus = error.status;
export const awayBody = JSON.stringify(error.body);

/** On the answer, and on that to a browser's preflight: without it scripts could not read the status. */
export const awayHeaders: readonly (readonly [name: string, value: string])[] = [
  ...Object.entries(corsHeaders),
  ['Retry-After', '2'],
];

/** What paths answer that are not for clients. */
export const unknownPathBody = JSON.stringify(new MatrixError('unrecognized', 'Unknown path').body);

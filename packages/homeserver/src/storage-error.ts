import { MatrixError } from '@matrix-futures/http';
import { TurnLost } from '@matrix-futures/sqlite';

/** For the server's `translate`: what of the storage reaches clients. Nothing of the request happened. */
export function translateStorageError(error: unknown): MatrixError | null {
  if (!(error instanceof TurnLost)) return null;
  return new MatrixError('storeUnavailable', 'Nothing can be stored at the moment; try again.');
}

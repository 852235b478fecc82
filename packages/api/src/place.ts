import { nameOfPlace, type Place, readPlace } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';

/**
 * Reads `from`: where the page before ended.
 * @throws MatrixError M_INVALID_PARAM
 */
export function placeFrom(from: string | undefined): Place | null {
  if (from === undefined) return null;
  const place = readPlace(from);
  if (place === null) throw new MatrixError('invalidParam', 'from is no place in a list of this server');
  return place;
}

export function nextBatch(next: Place | null): { readonly next_batch?: string } {
  return next === null ? {} : { next_batch: nameOfPlace(next) };
}

/** Events on a page. */
export const pageSize = 100;

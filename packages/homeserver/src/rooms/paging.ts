import { MatrixError } from '@matrix-futures/http';
import Type from 'typebox';
import { parseRoomEventFilter, type RoomEventFilter } from '../filters/filter.ts';

/** `limit` of a page: a whole number of events. */
export const Limit = Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$' }));

/** The largest page: what is above is read as this, as the specification allows. */
const largestPage = 1_000;

/** @param otherwise the limit where none is given */
export function limitOf(limit: string | undefined, otherwise: number): number {
  return Math.min(largestPage, Number(limit ?? otherwise));
}

/** @throws MatrixError 400 `M_INVALID_PARAM` */
export function readFilter(json: string | undefined): RoomEventFilter {
  const filter = json === undefined ? {} : parseRoomEventFilter(json);
  if (filter === null) throw new MatrixError('invalidParam', 'filter is no filter of room events.');
  return filter;
}

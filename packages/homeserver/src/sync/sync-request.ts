import type { UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import Type, { type Static } from 'typebox';
import type { FilterStore } from '../filters/filter-store.ts';
import { parseFilter, type Filter } from '../filters/filter.ts';
import { parseToken } from '../stream/token.ts';

/** The parameters of `GET /sync`; `set_presence` and what nobody knows are ignored. */
export const SyncQuery = Type.Object({
  since: Type.Optional(Type.String()),
  timeout: Type.Optional(Type.String()),
  filter: Type.Optional(Type.String()),
  full_state: Type.Optional(Type.String()),
  use_state_after: Type.Optional(Type.String()),
  'org.matrix.msc4222.use_state_after': Type.Optional(Type.String()),
});
export type SyncQuery = Static<typeof SyncQuery>;

/** Long polls end after two minutes, whatever a client asks for: proxies cut them off, too. */
const maxTimeout = 120_000;

/** @returns null for a first sync @throws MatrixError `invalidParam` for a token that is none of ours */
export function sinceOf({ since }: SyncQuery): number | null {
  if (since === undefined || since === '') return null;
  const position = parseToken(since);
  if (position === null) throw new MatrixError('invalidParam', 'since is no token of this server');
  return position;
}

/** in ms @throws MatrixError `invalidParam` */
export function timeoutOf({ timeout = '0' }: SyncQuery): number {
  if (!/^\d{1,15}$/.test(timeout))
    throw new MatrixError('invalidParam', 'timeout is a number of milliseconds');
  return Math.min(Number(timeout), maxTimeout);
}

/** Where a room's state goes: before the timeline, or (MSC4222, stable since v1.16) after it. */
export type StateField = 'state' | 'state_after' | 'org.matrix.msc4222.state_after';

/** `use_state_after`, by its stable name or that of the MSC. */
export function stateFieldOf(query: SyncQuery): StateField {
  if (query['org.matrix.msc4222.use_state_after'] === 'true') return 'org.matrix.msc4222.state_after';
  return query.use_state_after === 'true' ? 'state_after' : 'state';
}

/**
 * The filter that a request names by id or spells out. To be asked inside a unit.
 * @throws MatrixError `invalidParam`
 */
export function filterOf({ filter }: SyncQuery, user: UserId, filters: FilterStore): Filter {
  if (filter === undefined || filter === '') return {};
  const found = filter.startsWith('{') ? parseFilter(filter) : filters.get(user, filter);
  if (found === null) throw new MatrixError('invalidParam', 'The filter is not valid, or not known');
  return found;
}

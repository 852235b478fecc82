import type { UserId } from './event.ts';
import type { Future, FutureId, Generation, Nonce } from './future.ts';
import type { Group } from './group.ts';

/** Who wants something done to a future, and by which right. */
export interface Holder {
  readonly future: FutureId;
  readonly nonce: Nonce;
  /** valid for futures of this generation only (a bare delay id); null: of any */
  readonly generation: Generation | null;
  /** the login that came along, which must be the owner's; null: the capability alone counts */
  readonly owner: UserId | null;
}

/** The future that is held, if the holder's right is good. */
export function heldFuture(group: Group | null, holder: Holder): Future | null {
  const future = group?.futures.find(({ id }) => id === holder.future);
  if (group === null || future === undefined) return null;
  if (future.nonce.high !== holder.nonce.high || future.nonce.low !== holder.nonce.low) return null;
  if (holder.generation !== null && future.generation !== holder.generation) return null;
  if (holder.owner !== null && group.owner !== holder.owner) return null;
  return future;
}

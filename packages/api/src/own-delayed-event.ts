import type { Futures, ListedFuture, UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';

/**
 * A future of this user's by its delay id, whatever generation made it.
 * @throws MatrixError M_NOT_FOUND for one that is unknown, somebody else's, or has left the list
 */
export async function ownDelayedEvent(
  futures: Futures,
  user: UserId,
  delayId: string,
): Promise<ListedFuture> {
  const holder = futures.holderOfDelayId(delayId, user);
  const found = holder && (await futures.find(holder));
  if (found?.listed) return found;
  throw new MatrixError('notFound', 'There is no delayed event of this id');
}

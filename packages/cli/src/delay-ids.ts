import type { Delayed, EventId, Futures, FutureStore, UserId } from '@matrix-futures/engine';

/**
 * Which of these events were delayed events of that user's, by what is still in the user's list of outcomes (futures of
 * 2024 have no delay ids).
 */
export async function delayIdsOf(
  store: FutureStore,
  futures: Futures,
  user: UserId,
  events: ReadonlySet<EventId>,
): Promise<Map<EventId, Delayed>> {
  const found = new Map<EventId, Delayed>();
  for (const future of await store.sentAs(user, events)) {
    const { outcome, generation } = future;
    if (outcome?.kind !== 'sent' || generation === 'futures') continue;
    found.set(outcome.event, { delayId: futures.tokensOf(future).delayId, generation });
  }
  return found;
}

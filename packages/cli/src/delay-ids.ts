import type { Delayed, EventId, Futures, FutureStore, UserId } from '@matrix-futures/engine';

/**
 * Which of these events were delayed events of that user's, by what is still in the user's list of outcomes (futures of
 * 2024 have no delay ids). Latest first, so that a sync, which asks for new events, seldom reads more than a page.
 */
export async function delayIdsOf(
  store: FutureStore,
  futures: Futures,
  user: UserId,
  events: ReadonlySet<EventId>,
): Promise<Map<EventId, Delayed>> {
  const found = new Map<EventId, Delayed>();
  let page: string | null = null;
  do {
    const listed = await store.list(user, 'finished', page);
    for (const { future } of listed.futures) {
      const { outcome, generation } = future;
      if (outcome?.kind !== 'sent' || !events.has(outcome.event) || generation === 'futures') continue;
      found.set(outcome.event, { delayId: futures.tokensOf(future).delayId, generation });
    }
    page = listed.next;
  } while (page !== null && found.size < events.size);
  return found;
}

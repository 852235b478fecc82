import type { Clock, Ms, Timers } from '@matrix-futures/engine';
import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import type { FilterStore } from '../filters/filter-store.ts';
import type { Notifier, Waiter } from '../stream/notifier.ts';
import { readSync } from './read-sync.ts';
import { syncFilter } from './sync-filter.ts';
import type { SyncParts, SyncRequest } from './sync-parts.ts';
import { filterOf, sinceOf, stateFieldOf, SyncQuery, timeoutOf } from './sync-request.ts';

/** Answers all polls that wait, and from then on at once: for a server that is about to stop. */
export type EndPolls = () => void;

/**
 * `GET /sync` (client-server API, "Syncing"). With nothing to tell it waits; a waiting poll is an entry in the notifier
 * and a timer, and costs nothing until its user is woken.
 */
export function getSync(
  turn: Turn,
  clock: Clock,
  timers: Timers,
  notifier: Notifier,
  filters: FilterStore,
  parts: SyncParts,
): { readonly endpoint: Endpoint; readonly endPolls: EndPolls } {
  const stop = Promise.withResolvers<void>();
  let stopping = false;

  /** @returns whether the user was woken; false: time is up, the client is gone, or the server stops */
  const isWoken = async (waiter: Waiter, timeout: Ms, signal: AbortSignal): Promise<boolean> => {
    const over = Promise.withResolvers<void>();
    const cancel = timers.after(timeout, over.resolve);
    signal.addEventListener('abort', () => over.resolve(), { once: true });
    const first = await Promise.race([
      waiter.woken.then(() => true),
      over.promise.then(() => false),
      stop.promise.then(() => false),
    ]);
    cancel();
    return first;
  };

  const poll = async (request: SyncRequest, timeout: Ms, gone: () => AbortSignal) => {
    const end = clock.now() + timeout;
    for (;;) {
      using waiter = notifier.wait(request.viewer.user);
      const response = await readSync(turn, clock, timers, parts, request);
      const left = end - clock.now();
      const answersNow = !response.isEmpty || request.fullState || left <= 0 || stopping;
      if (answersNow || !(await isWoken(waiter, left, gone()))) return response;
    }
  };

  return {
    endpoint: endpoint({
      method: 'GET',
      paths: client('/sync'),
      authentication: 'required',
      summary: 'Tells what is new, and waits for it',
      query: SyncQuery,
      handle: async (call) => {
        const { requester, query } = call;
        const { user, device } = requester;
        // Not inside a unit: a filter that somebody is storing in this very turn nobody can name yet.
        const filter = syncFilter(filterOf(query, user, filters));
        const since = sinceOf(query);
        const fullState = query.full_state === 'true';
        const request = {
          viewer: { user, device },
          since,
          fullState,
          filter,
          stateField: stateFieldOf(query),
        };
        const { body } = await poll(request, timeoutOf(query), () => call.signal);
        return { body };
      },
    }),
    endPolls() {
      stopping = true;
      stop.resolve();
    },
  };
}

import type { Clock, Ms, SyncListener, Timers } from '@matrix-futures/engine';
import { client, endpoint, MatrixError, type Endpoint, type Requester } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import type { FilterStore } from '../filters/filter-store.ts';
import type { Notifier, Waiter } from '../stream/notifier.ts';
import { readSync } from './read-sync.ts';
import { syncFilter } from './sync-filter.ts';
import type { SyncParts, SyncRequest } from './sync-parts.ts';
import { filterOf, sinceOf, stateFieldOf, SyncQuery, timeoutOf } from './sync-request.ts';

/** Answers all polls that wait, and from then on at once: for a server that is about to stop. */
export type EndPolls = () => void;

export interface Polling {
  readonly turn: Turn;
  readonly clock: Clock;
  readonly timers: Timers;
  /** wakes a user's polls when one of their logins ends, too */
  readonly notifier: Notifier;
  readonly filters: FilterStore;
  readonly isLoggedIn: (accessToken: string) => boolean;
  readonly onSync: SyncListener;
}

/**
 * `GET /sync` (client-server API, "Syncing"). With nothing to tell it waits; a waiting poll is an entry in the notifier
 * and a timer, and costs nothing until its user is woken.
 */
export function getSync(
  { turn, clock, timers, notifier, filters, isLoggedIn, onSync }: Polling,
  parts: SyncParts,
): { readonly endpoint: Endpoint; readonly endPolls: EndPolls } {
  /** Ends the wait of each poll that waits. */
  const waits = new Set<() => void>();
  let stopping = false;

  /** @returns whether the user was woken; false: time is up, the client is gone, or the server stops */
  const isWoken = async (waiter: Waiter, timeout: Ms, signal: AbortSignal): Promise<boolean> => {
    if (signal.aborted) return false;
    const woken = Promise.withResolvers<boolean>();
    const end = () => woken.resolve(false);
    const cancel = timers.after(timeout, end);
    signal.addEventListener('abort', end);
    waits.add(end);
    void waiter.woken.then(() => woken.resolve(true));
    const first = await woken.promise;
    waits.delete(end);
    signal.removeEventListener('abort', end);
    cancel();
    return first;
  };

  const poll = async (
    request: SyncRequest,
    timeout: Ms,
    call: { readonly requester: Requester; readonly signal: AbortSignal },
  ) => {
    const end = clock.now() + timeout;
    for (;;) {
      using waiter = notifier.wait(request.viewer.user);
      // A poll of a device that was logged out meanwhile tells it nothing more.
      if (!isLoggedIn(call.requester.accessToken)) {
        throw new MatrixError('unknownToken', 'This device was logged out', { soft_logout: false });
      }
      const response = await readSync(turn, clock, timers, parts, request);
      const left = end - clock.now();
      const answersNow = !response.isEmpty || request.fullState || left <= 0 || stopping;
      if (answersNow || !(await isWoken(waiter, left, call.signal))) return response;
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
        const timeout = timeoutOf(query);
        const over = device === null ? null : onSync(user, device);
        try {
          const { body } = await poll(request, timeout, call);
          return { body };
        } finally {
          over?.();
        }
      },
    }),
    endPolls() {
      stopping = true;
      for (const end of waits) end();
    },
  };
}

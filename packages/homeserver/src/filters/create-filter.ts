import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import { requireSelf } from '../account-data/require-self.ts';
import type { FilterStore } from './filter-store.ts';
import { Filter } from './filter.ts';

/** `POST /user/{userId}/filter` (client-server API, "Filtering") */
export function createFilter(turn: Turn, filters: FilterStore): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/user/:userId/filter'),
    authentication: 'required',
    summary: 'Stores a filter',
    body: Filter,
    handle: async (call) => {
      const { requester, params } = call;
      requireSelf(requester, params.userId);
      const filter = call.body();
      return { body: { filter_id: await turn.unit(() => filters.add(requester.user, filter)) } };
    },
  });
}

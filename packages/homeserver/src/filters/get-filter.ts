import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import { requireSelf } from '../account-data/require-self.ts';
import type { FilterStore } from './filter-store.ts';

/** `GET /user/{userId}/filter/{filterId}` (client-server API, "Filtering") */
export function getFilter(turn: Turn, filters: FilterStore): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/user/:userId/filter/:filterId'),
    authentication: 'required',
    summary: 'Reads a stored filter',
    handle: async ({ requester, params }) => {
      requireSelf(requester, params.userId);
      const filter = await turn.unit(() => filters.get(requester.user, params.filterId));
      if (filter === null) throw new MatrixError('notFound', 'No such filter');
      return { body: filter };
    },
  });
}

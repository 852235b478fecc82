import { client, endpoint, MatrixError, unstable, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';

const parameter = 'org.matrix.msc4140.delay';

/** What `/versions` and `/capabilities` say then. */
export const delaysOff = {
  features: { 'org.matrix.msc4140': false },
  capabilities: { 'org.matrix.msc4140.delayed_events': { max_delay_ms: 0, max_scheduled: 100 } },
};

/** Delayed events as Synapse 1.163.2 has them while `max_event_delay_duration` is not set. */
export function delaysRefused(): readonly Endpoint[] {
  const managed = (paths: readonly `/${string}`[]) => unstable(['org.matrix.msc4140'], ...paths);
  return [
    refused('PUT', [
      ...client('/rooms/:roomId/send/:eventType/:txnId'),
      ...client(
        '/rooms/:roomId/state/:eventType/:stateKey',
        '/rooms/:roomId/state/:eventType/',
        '/rooms/:roomId/state/:eventType',
      ),
    ]),
    refused('POST', client('/rooms/:roomId/send/:eventType')),
    endpoint({
      method: 'GET',
      paths: managed(['/delayed_events']),
      authentication: 'required',
      summary: 'Lists no delayed events',
      handle: () => ({ body: { delayed_events: [] } }),
    }),
    endpoint({
      method: 'POST',
      paths: managed(['/delayed_events/:id', '/delayed_events/:id/:action']),
      authentication: 'none',
      summary: 'Finds no delayed event',
      handle: () => {
        throw new MatrixError('notFound', 'Delayed event not found');
      },
    }),
  ];
}

function refused(method: 'PUT' | 'POST', paths: readonly string[]): Endpoint {
  return endpoint({
    method,
    paths,
    when: { parameters: [parameter] },
    authentication: 'required',
    summary: 'Refuses to delay an event',
    query: Type.Object({ [parameter]: Type.String() }),
    handle: ({ query }) => {
      if (!/^-?\d+$/.test(query[parameter])) {
        throw new MatrixError('invalidParam', `Query parameter ${parameter} must be an integer`);
      }
      throw new MatrixError('forbidden', 'Sending delayed events has been disallowed');
    },
  });
}

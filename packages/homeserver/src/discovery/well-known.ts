import { endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';

const paths = ['/.well-known/matrix/client'] as const;

/**
 * `GET /.well-known/matrix/client` (client-server API, "Server discovery").
 * @param publicUrl where clients reach the server; null: nobody said, so neither do we
 */
export function getWellKnown(publicUrl: string | null): Endpoint {
  return endpoint({
    method: 'GET',
    paths,
    authentication: 'none',
    summary: 'Tells clients where the homeserver is',
    handle: () => {
      if (publicUrl === null)
        throw new MatrixError('notFound', 'The server does not know its public address');
      return { body: { 'm.homeserver': { base_url: publicUrl } } };
    },
  });
}

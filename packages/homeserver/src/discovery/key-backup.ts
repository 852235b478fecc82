import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';

/** `GET /room_keys/version`: nobody has a backup of keys; clients ask before they go on without (client-server API,
 * "Server-side key backups"). */
export function getKeyBackupVersion(): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/room_keys/version'),
    authentication: 'required',
    summary: 'Finds the current backup of keys',
    handle: () => {
      throw new MatrixError('notFound', 'No current backup version');
    },
  });
}

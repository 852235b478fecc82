import { MatrixError, type Requester } from '@matrix-futures/http';

/** What is a user's own nobody else may read or change. @throws MatrixError `forbidden` */
export function requireSelf(requester: Requester, user: string): void {
  if (requester.user !== user) throw new MatrixError('forbidden', 'This is for the user alone');
}

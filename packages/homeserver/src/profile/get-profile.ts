import type { UserId } from '@matrix-futures/engine';
import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import { requireField } from './fields.ts';
import type { ProfileStore } from './profile-store.ts';

/** Is there such a user? Asked inside a unit. */
export type UserExists = (user: UserId) => boolean;

/** `GET /profile/{userId}` and `GET /profile/{userId}/{keyName}` (client-server API, "Profiles"): open to everybody. */
export function getProfile(turn: Turn, profiles: ProfileStore, exists: UserExists): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/profile/:userId', '/profile/:userId/:field'),
    authentication: 'optional',
    summary: 'Reads a profile, or a field of it',
    handle: async ({ params }) => {
      const field = params.field === undefined ? null : requireField(params.field);
      const profile = await turn.unit(() => (exists(params.userId) ? profiles.of(params.userId) : null));
      if (profile === null) throw new MatrixError('notFound', 'No such user');
      if (field === null) return { body: profile };
      const value = profile[field];
      if (value === undefined) throw new MatrixError('notFound', 'The user has not set this field');
      return { body: { [field]: value } };
    },
  });
}

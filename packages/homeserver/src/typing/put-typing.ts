import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import Type from 'typebox';
import { requireSelf } from '../account-data/require-self.ts';
import type { RoomStore } from '../rooms/room-store.ts';
import type { Typing } from './typing.ts';

/** in ms; what a client gets that names no time-out, or a longer one than anybody types without a pause */
const defaultTimeout = 30_000;
const maxTimeout = 120_000;

/** `PUT /rooms/{roomId}/typing/{userId}` (client-server API, "Typing Notifications") */
export function putTyping(turn: Turn, rooms: RoomStore, typing: Typing): Endpoint {
  return endpoint({
    method: 'PUT',
    paths: client('/rooms/:roomId/typing/:userId'),
    authentication: 'required',
    summary: 'Says that the user is typing, or no longer',
    body: Type.Object({ typing: Type.Boolean(), timeout: Type.Optional(Type.Integer({ minimum: 0 })) }),
    handle: async (call) => {
      const { requester, params } = call;
      requireSelf(requester, params.userId);
      const { typing: starts, timeout } = call.body();
      await turn.unit(() => {
        if (rooms.membership(params.roomId, requester.user)?.membership !== 'join') {
          throw new MatrixError('forbidden', 'You are not in this room');
        }
        if (!starts) typing.stop(params.roomId, requester.user);
        else typing.start(params.roomId, requester.user, Math.min(timeout ?? defaultTimeout, maxTimeout));
      });
      return {};
    },
  });
}

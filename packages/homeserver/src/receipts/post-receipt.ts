import type { Clock } from '@matrix-futures/engine';
import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import Type from 'typebox';
import type { Markers } from './markers.ts';

/** `POST /rooms/{roomId}/receipt/{receiptType}/{eventId}` (client-server API, "Receipts") */
export function postReceipt(turn: Turn, clock: Clock, markers: Markers): Endpoint {
  return endpoint({
    method: 'POST',
    paths: client('/rooms/:roomId/receipt/:receiptType/:eventId'),
    authentication: 'required',
    summary: 'Says up to which event the user has read',
    body: Type.Object({ thread_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })) }),
    bodyOptional: true,
    handle: async (call) => {
      const { requester, params } = call;
      const { receiptType: type } = params;
      const { thread_id: thread } = call.body();
      if (type !== 'm.read' && type !== 'm.read.private' && type !== 'm.fully_read') {
        throw new MatrixError(
          'invalidParam',
          'The type of a receipt is m.read, m.read.private or m.fully_read',
        );
      }
      if (thread !== undefined && type === 'm.fully_read') {
        throw new MatrixError('invalidParam', 'm.fully_read has no threads');
      }
      if (thread !== undefined && thread !== 'main' && !thread.startsWith('$')) {
        throw new MatrixError('invalidParam', 'thread_id is main or the id of an event');
      }
      await turn.unit(() => {
        const ts = clock.wall();
        markers.set({
          room: params.roomId,
          user: requester.user,
          type,
          event: params.eventId,
          thread: thread ?? '',
          ts,
        });
      });
      return {};
    },
  });
}

import type { DraftExtras } from '@matrix-futures/engine';
import { MatrixError, type Requester } from '@matrix-futures/http';
import Type from 'typebox';
import type { Rooms } from './rooms.ts';

/** The query parameter by which an application service dates an event (application service API, "Timestamp massaging") */
export const timestampQuery = { ts: Type.Optional(Type.String()) };

/**
 * Nothing for those who may not date what they send.
 * @throws MatrixError 400 `M_INVALID_PARAM`
 */
export function timestampExtras(
  { mayDate }: Rooms,
  requester: Requester,
  { ts }: { readonly ts?: string },
): DraftExtras {
  if (ts === undefined || !mayDate(requester)) return {};
  if (!/^\d{1,15}$/.test(ts)) {
    throw new MatrixError('invalidParam', 'ts is a whole number of milliseconds since 1970.');
  }
  return { ts: Number(ts) };
}

import type { RoomId, UserId } from '@matrix-futures/engine';
import { seenUpTo } from './access.ts';
import { walk } from './history.ts';
import type { Rooms } from './rooms.ts';

/** How a room's history is read, where homeservers differ. */
export interface Reading {
  /** Finds the events of a page. */
  readonly page: typeof walk;
  /** The position up to which `/messages` shows the room. @throws MatrixError 403 `M_FORBIDDEN` */
  messagesUpTo(rooms: Rooms, room: RoomId, user: UserId): number;
  /** The position up to which a piece of state is shown. @throws MatrixError 403 `M_FORBIDDEN` */
  stateUpTo(rooms: Rooms, room: RoomId, user: UserId, type: string, key: string): number;
}

/** This homeserver's own: whoever may see the room up to a position may read all of it up to there. */
export const reading: Reading = { page: walk, messagesUpTo: seenUpTo, stateUpTo: seenUpTo };

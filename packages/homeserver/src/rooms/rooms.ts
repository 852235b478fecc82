import type { Clock, Draft, EventId, JsonObject, RoomId, UserId } from '@matrix-futures/engine';
import { MatrixError, type Requester } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import type { RoomVersionId } from '../room-versions/room-version.ts';
import type { Positions } from '../stream/positions.ts';
import type { Append } from './append.ts';
import type { ClientEvents } from './client-event.ts';
import type { EventWriter, Origin } from './event-writer.ts';
import type { Reading } from './reading.ts';
import type { RoomStore } from './room-store.ts';
import type { Sending } from './sending.ts';

/** What the endpoints of rooms work with. */
export interface Rooms {
  readonly turn: Turn;
  readonly clock: Clock;
  readonly store: RoomStore;
  readonly writer: EventWriter;
  readonly append: Append;
  readonly sending: Sending;
  readonly reading: Reading;
  readonly positions: Positions;
  readonly events: ClientEvents;
  /** `displayname` and `avatar_url`, as far as the user has set them: part of their membership events */
  readonly profileOf: (user: UserId) => JsonObject;
  /** what a user sends by the plain endpoints: events, new rooms, memberships; leaving is always free */
  readonly messageRate: MessageRate;
  /** Does what the requester sends get the `origin_server_ts` that they ask for? */
  readonly mayDate: (requester: Requester) => boolean;
  readonly serverName: string;
  readonly defaultRoomVersion: RoomVersionId;
  /** a room id for versions that do not take it from the create event */
  readonly newRoomId: () => RoomId;
}

/** Limits how much a user sends. */
export interface MessageRate {
  /** @throws MatrixError 429 `M_LIMIT_EXCEEDED` */
  take(requester: Requester): void;
}

/** A draft; most have no extras. */
export type Said = Omit<Draft, 'extras'> & Partial<Pick<Draft, 'extras'>>;

/**
 * Appends an event now, inside a unit.
 * @throws MatrixError what the room answers when it does not want the event
 */
export function say(rooms: Rooms, draft: Said, origin?: Origin): EventId {
  const answer = rooms.append.append({ extras: {}, ...draft }, rooms.clock.wall(), origin);
  if (answer.kind === 'refused') throw MatrixError.from(answer.error);
  return answer.event;
}

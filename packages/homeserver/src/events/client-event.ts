import type { EventId, JsonObject, RoomId } from '@matrix-futures/engine';
import type { RoomVersion } from '../room-versions/room-version.ts';
import type { Pdu } from './pdu.ts';
import { redactionTarget } from './redact.ts';

/** An event as clients see it (Matrix specification, client-server API, "Room event format"). */
export type ClientEvent = {
  readonly type: string;
  readonly state_key?: string;
  readonly content: JsonObject;
  readonly sender: string;
  readonly event_id: EventId;
  /** absent in `/sync`, which names the room once */
  readonly room_id?: RoomId;
  readonly origin_server_ts: number;
  readonly redacts?: EventId;
  readonly msc4354_sticky?: { readonly duration_ms: number };
  readonly unsigned?: JsonObject;
};

/** What a client's view of an event takes from outside of it. */
export interface ClientView {
  readonly eventId: EventId;
  readonly version: RoomVersion;
  /** null leaves `room_id` out */
  readonly room: RoomId | null;
  /** `age`, `transaction_id`, `prev_content`, `redacted_because` and the like; left out where it is empty */
  readonly unsigned?: JsonObject;
}

/**
 * A redaction shows its target in both places, at the top and in `content`, so that clients of every age find it (room
 * version 11, "Moving the redacts property").
 */
export function toClientEvent(
  event: Pdu,
  { eventId, version, room, unsigned = {} }: ClientView,
): ClientEvent {
  const redacts = redactionTarget(event, version);
  return {
    type: event.type,
    ...(event.state_key !== undefined && { state_key: event.state_key }),
    content: redacts === undefined ? event.content : { ...event.content, redacts },
    sender: event.sender,
    event_id: eventId,
    ...(room !== null && { room_id: room }),
    origin_server_ts: event.origin_server_ts,
    ...(redacts !== undefined && { redacts }),
    ...(event.msc4354_sticky && { msc4354_sticky: event.msc4354_sticky }),
    ...(Object.keys(unsigned).length > 0 && { unsigned }),
  };
}

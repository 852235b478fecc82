import type { EventId, JsonObject, RoomId, UserId } from '@matrix-futures/engine';
import type { RoomStore } from './room-store.ts';
import type { StoredEvent } from './stored-event.ts';

/** An event as clients see it (client-server API, "Room event format"). */
export interface ClientEvent extends JsonObject {
  readonly event_id: EventId;
  readonly room_id: RoomId;
  readonly type: string;
  readonly sender: UserId;
  readonly origin_server_ts: number;
  readonly content: JsonObject;
  readonly unsigned: JsonObject;
}

/** Who looks: some of `unsigned` is for the sender, or the sending device, alone. */
export interface Viewer {
  readonly user: UserId;
  readonly device: string | null;
}

/** The parts of a stored PDU that clients are shown. */
interface ShownPdu {
  readonly content: JsonObject;
  /** of a redaction, in room versions below 11 */
  readonly redacts?: EventId;
}

export function contentOf(event: StoredEvent): JsonObject {
  return shown(event).content;
}

/** @param wall milliseconds since 1970, for `age` */
export function clientEvent(store: RoomStore, event: StoredEvent, viewer: Viewer, wall: number): ClientEvent {
  const pdu = shown(event);
  return {
    event_id: event.eventId,
    room_id: event.roomId,
    type: event.type,
    sender: event.sender,
    origin_server_ts: event.originServerTs,
    content: pdu.content,
    ...(event.stateKey === null ? {} : { state_key: event.stateKey }),
    ...redacts(event, pdu),
    unsigned: unsigned(store, event, viewer, wall),
  };
}

function shown(event: StoredEvent): ShownPdu {
  const pdu: ShownPdu = JSON.parse(event.pdu);
  return pdu;
}

/** Clients of either time find `redacts` where they look: at the top (below version 11) and in the content (from 11). */
function redacts(event: StoredEvent, pdu: ShownPdu): { redacts?: string; content?: JsonObject } {
  if (event.type !== 'm.room.redaction') return {};
  if (pdu.redacts !== undefined)
    return { redacts: pdu.redacts, content: { ...pdu.content, redacts: pdu.redacts } };
  return typeof pdu.content.redacts === 'string' ? { redacts: pdu.content.redacts } : {};
}

function unsigned(store: RoomStore, event: StoredEvent, viewer: Viewer, wall: number): JsonObject {
  const replaced = event.replacesState === null ? undefined : store.event(event.replacesState);
  const redaction = event.redactedBy === null ? undefined : store.event(event.redactedBy);
  const own = event.sender === viewer.user;
  return {
    age: Math.max(0, wall - event.originServerTs),
    ...(replaced === undefined
      ? {}
      : {
          replaces_state: replaced.eventId,
          prev_sender: replaced.sender,
          prev_content: contentOf(replaced),
        }),
    ...(redaction === undefined ? {} : { redacted_because: clientEvent(store, redaction, viewer, wall) }),
    ...(own && event.transactionId !== null && event.transactionDevice === viewer.device
      ? { transaction_id: event.transactionId }
      : {}),
    ...(own && event.delayId !== null ? { 'org.matrix.msc4140.delay_id': event.delayId } : {}),
  };
}

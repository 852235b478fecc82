import type { Delayed, EventId, JsonObject, RoomId, UserId } from '@matrix-futures/engine';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { Pdu } from '../events/pdu.ts';

/** A row of `event`. */
export interface StoredEvent {
  readonly position: number;
  readonly eventId: EventId;
  readonly roomId: RoomId;
  readonly type: string;
  /** null: a message event */
  readonly stateKey: string | null;
  readonly sender: UserId;
  readonly depth: number;
  /** milliseconds since 1970 by the wall clock */
  readonly originServerTs: number;
  /** JSON with hashes and signatures; once redacted, the redacted form */
  readonly pdu: string;
  /** id of the redaction; null: not redacted */
  readonly redactedBy: EventId | null;
  /** id of the state event that was current before this one */
  readonly replacesState: EventId | null;
  /** the device that sent it (empty: a requester without one), with its transaction id; both null without one */
  readonly transactionDevice: string | null;
  readonly transactionId: string | null;
  /** of the future that sent it; both null for other events */
  readonly delayId: string | null;
  readonly delayGeneration: Delayed['generation'] | null;
}

/** The select list that yields a StoredEvent; the table is to be named `event`. */
export const storedEventColumns = `
  event.stream_position AS position, event.event_id AS eventId, event.room_id AS roomId, event.type,
  event.state_key AS stateKey, event.sender, event.depth, event.origin_server_ts AS originServerTs, event.pdu,
  event.redacted_by AS redactedBy, event.replaces_state AS replacesState,
  event.transaction_device AS transactionDevice, event.transaction_id AS transactionId,
  event.delay_id AS delayId, event.delay_generation AS delayGeneration`;

/** Only what `buildEvent` and `redact` made is ever stored, so an object is a PDU. */
const storedPdu = Compile(Type.Unsafe<Pdu>(Type.Object({})));

/** The event as it was signed, or redacted since. */
export function pduOf(event: StoredEvent): Pdu {
  const pdu: unknown = JSON.parse(event.pdu);
  if (storedPdu.Check(pdu)) return pdu;
  throw new Error(`The event ${event.eventId} in the database is no event`);
}

/** Its content; what a redaction has left of it. */
export function contentOf(event: StoredEvent): JsonObject {
  return pduOf(event).content;
}

import type { EventId, Refused } from '@matrix-futures/engine';
import { mayRedact, readPowerLevels } from '../auth-rules/power-levels.ts';
import { canonicalJson } from '../events/canonical-json.ts';
import type { UnsignedPdu } from '../events/pdu.ts';
import { redact, redactionTarget } from '../events/redact.ts';
import { pduOf, type StoredEvent } from './stored-event.ts';
import { refusal } from './event-form.ts';
import type { EventWriter } from './event-writer.ts';
import type { RoomState } from './room-state.ts';
import type { Room, RoomStore } from './room-store.ts';

/** What a redaction would take the content of; null: the event is no redaction. */
export interface RedactionAllowed {
  readonly kind: 'allowed';
  readonly target: StoredEvent | null;
}

/**
 * The part of a redaction that the authorization rules leave to the server of its sender (Matrix specification, room
 * version 3, "Handling redactions"): one's own events, or the power to redact. Every event of this server's rooms is
 * here, so a target that is not here does not exist.
 */
export function judgeRedaction(
  store: RoomStore,
  state: RoomState,
  room: Room,
  event: UnsignedPdu,
): RedactionAllowed | Refused {
  const named = redactionTarget(event, room.version);
  if (named === undefined) return { kind: 'allowed', target: null };
  const target = store.event(named);
  if (target === undefined || target.roomId !== room.roomId) {
    return refused('notFound', `There is no event ${named} in this room.`);
  }
  if (target.type === 'm.room.create') {
    return refused('forbidden', 'The event that created the room cannot be redacted.');
  }
  const levels = readPowerLevels(state.of(room.roomId), room.version);
  if (!mayRedact(levels, event.sender, target.sender)) {
    return refused('forbidden', `Redacting what others sent needs power level ${levels.redact}.`);
  }
  return { kind: 'allowed', target };
}

/** From here on the content is gone, from the database too. */
export function applyRedaction(
  writer: EventWriter,
  state: RoomState,
  room: Room,
  target: StoredEvent,
  by: EventId,
): void {
  writer.redact(target.eventId, by, canonicalJson(redact(pduOf(target), room.version)));
  if (target.stateKey !== null) state.changed(room.roomId, target.type, target.stateKey);
}

function refused(name: 'notFound' | 'forbidden', message: string): Refused {
  return { kind: 'refused', error: refusal(name, message) };
}

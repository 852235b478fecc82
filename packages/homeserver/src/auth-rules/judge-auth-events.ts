import type { RoomId } from '@matrix-futures/engine';
import type { UnsignedPdu } from '../events/pdu.ts';
import type { RoomVersion } from '../room-versions/room-version.ts';
import { authEventKeys } from './auth-event-keys.ts';
import type { AuthEvent, Rejection } from './auth-state.ts';

/** An event among another's `auth_events`. */
export interface ListedAuthEvent extends AuthEvent {
  readonly type: string;
  readonly stateKey: string | null;
  readonly room: RoomId;
  readonly isRejected: boolean;
}

/**
 * The rule on an event's list of auth events: 2 in room versions 10 and 11 (with 2.5 of MSC4307, which holds in every
 * version), 3 in 12. What `authEventKeys` selected passes it; what another server selected may not.
 * @returns null: allowed
 */
export function judgeAuthEvents(
  event: UnsignedPdu,
  listed: readonly ListedAuthEvent[],
  version: RoomVersion,
): Rejection | null {
  if (event.type === 'm.room.create') return null;
  const reject = (rule: number, message: string): Rejection => ({
    rule: `${version.rules.authEvents}.${rule}`,
    message,
  });
  const names = listed.map(({ type, stateKey }) => JSON.stringify([type, stateKey]));
  if (new Set(names).size < names.length)
    return reject(1, 'Two auth events are of the same type and state key.');
  const selected = new Set(authEventKeys(event, version).map((key) => JSON.stringify(key)));
  if (!names.every((name) => selected.has(name)))
    return reject(2, 'An auth event has no bearing on the event.');
  if (listed.some((authEvent) => authEvent.isRejected))
    return reject(3, 'An auth event was itself rejected.');
  const needsCreate = version.roomIds === 'named';
  if (needsCreate && !listed.some(({ type }) => type === 'm.room.create')) {
    return reject(4, 'The create event is not among the auth events.');
  }
  if (listed.some(({ room }) => room !== event.room_id)) {
    return reject(needsCreate ? 5 : 4, 'An auth event is of another room.');
  }
  return null;
}

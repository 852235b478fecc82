import type { JsonObject } from '@matrix-futures/engine';
import type { UnsignedPdu } from '../events/pdu.ts';
import { objectMember, stringMember } from '../events/json-member.ts';
import type { RoomVersion } from '../room-versions/room-version.ts';

/** Type and state key of a piece of state. */
export type AuthEventKey = readonly [type: string, stateKey: string];

/**
 * The pieces of state that decide whether an event is allowed: where they exist, their ids are the event's
 * `auth_events` (Matrix specification, server-server API, "Auth events selection"; without the create event in room
 * version 12). No key comes twice.
 */
export function authEventKeys(
  event: Pick<UnsignedPdu, 'type' | 'sender' | 'state_key' | 'content'>,
  version: RoomVersion,
): readonly AuthEventKey[] {
  if (event.type === 'm.room.create') return [];
  const keys: AuthEventKey[] = [
    ['m.room.power_levels', ''],
    ['m.room.member', event.sender],
  ];
  if (version.roomIds === 'named') keys.unshift(['m.room.create', '']);
  if (event.type === 'm.room.member' && event.state_key !== undefined) {
    for (const key of keysOfMember(event.state_key, event.content)) {
      if (!keys.some((known) => known[0] === key[0] && known[1] === key[1])) keys.push(key);
    }
  }
  return keys;
}

function keysOfMember(target: string, content: JsonObject): AuthEventKey[] {
  const keys: AuthEventKey[] = [['m.room.member', target]];
  const membership = stringMember(content, 'membership');
  if (membership === 'join' || membership === 'invite' || membership === 'knock')
    keys.push(['m.room.join_rules', '']);
  if (membership === 'invite') {
    const signed = objectMember(objectMember(content, 'third_party_invite') ?? {}, 'signed');
    const token = stringMember(signed ?? {}, 'token');
    if (token !== undefined) keys.push(['m.room.third_party_invite', token]);
  }
  if (membership === 'join') {
    const authorisedBy = stringMember(content, 'join_authorised_via_users_server');
    if (authorisedBy !== undefined) keys.push(['m.room.member', authorisedBy]);
  }
  return keys;
}

import type { JsonValue } from '@matrix-futures/engine';
import { findRoomVersion, type RoomVersion } from '../room-versions/room-version.ts';
import { isUserId, serverOf } from '../events/identifiers.ts';
import { isList, member } from '../events/json-member.ts';
import type { UnsignedPdu } from '../events/pdu.ts';
import type { AuthState, Rejection } from './auth-state.ts';
import { membershipOf, type Hearing } from './hearing.ts';
import { judgeMember } from './member-rules.ts';
import { judgePowerLevels } from './power-level-rules.ts';
import { readPowerLevels } from './power-levels.ts';

/**
 * The authorization rules of room versions 10, 11 and 12, but for those on the list of auth events
 * (`judgeAuthEvents`). Pure: the same event on the same state is always judged alike.
 * @param event of canonical form
 * @param state before the event
 * @param signedBy has that server signed the event? Asked only where `join_authorised_via_users_server` is set. A server
 *   must not sign such a join before it has judged the `allow` conditions of the room's join rule itself: its signature
 *   is all that the rules ask for. Left out: nobody has signed.
 * @returns null: allowed
 */
export function authorize(
  event: UnsignedPdu,
  state: AuthState,
  version: RoomVersion,
  signedBy: (server: string) => boolean = () => false,
): Rejection | null {
  const { rules } = version;
  if (event.type === 'm.room.create') return judgeCreate(event, version);
  const create = state('m.room.create', '');
  if (rules.room !== null && (create === undefined || event.room_id !== `!${create.eventId.slice(1)}`)) {
    return { rule: `${rules.room}`, message: 'The room id is not the id of the create event.' };
  }
  if (create === undefined) {
    return { rule: `${rules.authEvents}.4`, message: 'The room has no create event.' };
  }
  if (member(create.content, 'm.federate') === false && serverOf(event.sender) !== serverOf(create.sender)) {
    return { rule: `${rules.federate}`, message: 'The room is not open to users of other servers.' };
  }
  const hearing = { event, state, version, create, levels: readPowerLevels(state, version), signedBy };
  return event.type === 'm.room.member' ? judgeMember(hearing) : judgeOther(hearing);
}

function judgeCreate(event: UnsignedPdu, version: RoomVersion): Rejection | null {
  const reject = (rule: number, message: string): Rejection => ({
    rule: `${version.rules.create}.${rule}`,
    message,
  });
  if (event.prev_events.length > 0) return reject(1, 'A create event must be the first event of its room.');
  if (version.roomIds === 'hashed') {
    if (event.room_id !== undefined) return reject(2, 'A create event must not have a room id.');
  } else if (serverOf(event.room_id ?? '') !== serverOf(event.sender)) {
    return reject(2, 'The room id must be of the same server as the sender.');
  }
  const named = member(event.content, 'room_version');
  if (named !== undefined && (typeof named !== 'string' || findRoomVersion(named) === undefined)) {
    return reject(3, 'The room version is not known.');
  }
  if (version.creators === 'content' && member(event.content, 'creator') === undefined) {
    return reject(4, 'A create event must name the creator.');
  }
  const additional = member(event.content, 'additional_creators');
  if (version.creators === 'sender-and-additional' && additional !== undefined && !areUserIds(additional)) {
    return reject(4, 'additional_creators must be a list of user ids.');
  }
  return null;
}

function areUserIds(value: JsonValue): boolean {
  return isList(value) && value.every((user) => typeof user === 'string' && isUserId(user));
}

function judgeOther(hearing: Hearing): Rejection | null {
  const { event, levels } = hearing;
  const { rules } = hearing.version;
  const level = levels.of(event.sender);
  if (membershipOf(hearing, event.sender) !== 'join') {
    return { rule: `${rules.senderJoined}`, message: 'The sender is not in the room.' };
  }
  if (event.type === 'm.room.third_party_invite') {
    if (level >= levels.invite) return null;
    return { rule: `${rules.thirdPartyInvite}.1`, message: `Inviting needs power level ${levels.invite}.` };
  }
  const required = levels.toSend(event.type, event.state_key !== undefined);
  if (required > level) {
    return {
      rule: `${rules.requiredLevel}`,
      message: `Sending ${event.type} needs power level ${required}.`,
    };
  }
  if (event.state_key?.startsWith('@') === true && event.state_key !== event.sender) {
    return { rule: `${rules.userStateKey}`, message: "The state key is another user's id." };
  }
  return event.type === 'm.room.power_levels' ? judgePowerLevels(hearing) : null;
}

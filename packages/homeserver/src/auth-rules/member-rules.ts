import type { JsonObject } from '@matrix-futures/engine';
import { serverOf } from '../events/identifiers.ts';
import { objectMember, stringMember, member } from '../events/json-member.ts';
import { membershipOf, type Hearing } from './hearing.ts';
import type { Rejection } from './auth-state.ts';
import { isInviteSigned } from './third-party-invite.ts';

/** A membership event that names its target and what the target shall become. */
interface Change extends Hearing {
  readonly target: string;
  readonly content: JsonObject;
  /** refuses by the rule with that number below the rule for members */
  readonly reject: (rule: string, message: string) => Rejection;
}

/** The rule for `m.room.member` (4 in room versions 10 and 11, 5 in 12), its parts numbered alike in all three. */
export function judgeMember(hearing: Hearing): Rejection | null {
  const { event, version } = hearing;
  const reject = (rule: string, message: string): Rejection => ({
    rule: `${version.rules.member}.${rule}`,
    message,
  });
  const membership = stringMember(event.content, 'membership');
  if (event.state_key === undefined || membership === undefined) {
    return reject('1', 'A membership event needs a state key and a membership.');
  }
  const voucher = member(event.content, 'join_authorised_via_users_server');
  if (voucher !== undefined && !(typeof voucher === 'string' && hearing.signedBy(serverOf(voucher)))) {
    return reject('2.1', 'The server of the user who vouches for the join has not signed it.');
  }
  const change = { ...hearing, target: event.state_key, content: event.content, reject };
  if (membership === 'join') return judgeJoin(change);
  if (membership === 'invite') return judgeInvite(change);
  if (membership === 'leave') return judgeLeave(change);
  if (membership === 'ban') return judgeBan(change);
  if (membership === 'knock') return judgeKnock(change);
  return reject('8', 'The membership is not known.');
}

function judgeJoin(change: Change): Rejection | null {
  const { event, target, content, levels, reject } = change;
  if (isFirstJoin(change)) return null;
  if (event.sender !== target) return reject('3.2', 'Nobody can join for somebody else.');
  const membership = membershipOf(change, target);
  if (membership === 'ban') return reject('3.3', 'The user is banned from the room.');
  const isWelcome = membership === 'invite' || membership === 'join';
  const rule = joinRuleOf(change);
  if (rule === 'public') return null;
  if (rule === 'invite' || rule === 'knock') {
    return isWelcome ? null : reject('3.4', 'The room can only be joined on invitation.');
  }
  if (rule === 'restricted' || rule === 'knock_restricted') {
    if (isWelcome) return null;
    const voucher = stringMember(content, 'join_authorised_via_users_server');
    const mayInvite =
      voucher !== undefined &&
      membershipOf(change, voucher) === 'join' &&
      levels.of(voucher) >= levels.invite;
    return mayInvite ? null : reject('3.5.2', 'Nobody who may invite vouches for the join.');
  }
  return reject('3.7', 'The room cannot be joined.');
}

/** Rule .3.1: the join right after the create event, by whom the version holds to be the creator. */
function isFirstJoin({ event, target, create, version }: Change): boolean {
  const creator = version.creators === 'content' ? stringMember(create.content, 'creator') : create.sender;
  return event.prev_events.length === 1 && event.prev_events[0] === create.eventId && target === creator;
}

function judgeInvite(change: Change): Rejection | null {
  const { event, target, content, levels, reject } = change;
  const thirdParty = member(content, 'third_party_invite');
  if (thirdParty !== undefined) return judgeThirdPartyInvite(change);
  if (membershipOf(change, event.sender) !== 'join') return reject('4.2', 'The sender is not in the room.');
  const membership = membershipOf(change, target);
  if (membership === 'join') return reject('4.3', 'The user is in the room already.');
  if (membership === 'ban') return reject('4.3', 'The user is banned from the room.');
  if (levels.of(event.sender) >= levels.invite) return null;
  return reject('4.5', `Inviting needs power level ${levels.invite}.`);
}

/** Somebody who was invited by e-mail address or phone number has proved to own it. */
function judgeThirdPartyInvite(change: Change): Rejection | null {
  const { event, target, content, state, reject } = change;
  if (membershipOf(change, target) === 'ban') return reject('4.1.1', 'The user is banned from the room.');
  const signed = objectMember(objectMember(content, 'third_party_invite') ?? {}, 'signed');
  if (signed === undefined) return reject('4.1.2', 'The third-party invitation is not signed.');
  const user = stringMember(signed, 'mxid');
  const token = stringMember(signed, 'token');
  if (user === undefined || token === undefined) {
    return reject('4.1.3', 'The third-party invitation names no user or no token.');
  }
  if (user !== target) return reject('4.1.4', 'The third-party invitation is for another user.');
  const invite = state('m.room.third_party_invite', token);
  if (invite === undefined) return reject('4.1.5', 'The room has no such third-party invitation.');
  if (invite.sender !== event.sender)
    return reject('4.1.6', 'The third-party invitation is of another user.');
  return isInviteSigned(signed, invite.content)
    ? null
    : reject('4.1.8', 'The third-party invitation is not signed by a key that it names.');
}

function judgeLeave(change: Change): Rejection | null {
  const { event, target, levels, reject } = change;
  const membership = membershipOf(change, target);
  if (event.sender === target) {
    const isThere = membership === 'invite' || membership === 'join' || membership === 'knock';
    return isThere ? null : reject('5.1', 'The user is not in the room.');
  }
  if (membershipOf(change, event.sender) !== 'join') return reject('5.2', 'The sender is not in the room.');
  const level = levels.of(event.sender);
  if (membership === 'ban' && level < levels.ban)
    return reject('5.3', `Unbanning needs power level ${levels.ban}.`);
  if (level >= levels.kick && levels.of(target) < level) return null;
  return reject('5.5', `Kicking needs power level ${levels.kick}, and more than the other user has.`);
}

function judgeBan(change: Change): Rejection | null {
  const { event, target, levels, reject } = change;
  if (membershipOf(change, event.sender) !== 'join') return reject('6.1', 'The sender is not in the room.');
  const level = levels.of(event.sender);
  if (level >= levels.ban && levels.of(target) < level) return null;
  return reject('6.3', `Banning needs power level ${levels.ban}, and more than the other user has.`);
}

function judgeKnock(change: Change): Rejection | null {
  const { event, target, reject } = change;
  const rule = joinRuleOf(change);
  if (rule !== 'knock' && rule !== 'knock_restricted') return reject('7.1', 'The room does not take knocks.');
  if (event.sender !== target) return reject('7.2', 'Nobody can knock for somebody else.');
  const membership = membershipOf(change, target);
  if (membership === 'ban') return reject('7.4', 'The user is banned from the room.');
  if (membership === 'invite' || membership === 'join') return reject('7.4', 'The user is welcome already.');
  return null;
}

/** A room without join rules is joined on invitation. */
function joinRuleOf({ state }: Hearing): string {
  return stringMember(state('m.room.join_rules', '')?.content ?? {}, 'join_rule') ?? 'invite';
}

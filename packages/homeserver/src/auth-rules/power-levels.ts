import type { JsonObject, UserId } from '@matrix-futures/engine';
import { listMember, member, objectMember, stringMember } from '../events/json-member.ts';
import type { RoomVersion } from '../room-versions/room-version.ts';
import type { AuthEvent, AuthState } from './auth-state.ts';

/**
 * Who may do what in a room, defaults filled in (Matrix specification, `m.room.power_levels`). A level is an integer
 * within ±(2^53 − 1), or `Infinity` for a creator in room version 12.
 */
export interface PowerLevels {
  readonly ban: number;
  readonly invite: number;
  readonly kick: number;
  /** to redact what others sent */
  readonly redact: number;
  of(user: UserId): number;
  /** The level that sending an event of that type needs. */
  toSend(type: string, isState: boolean): number;
  /** The level that a notification of that kind needs: `room` for `@room`. */
  toNotify(kind: string): number;
}

/** The levels in force. A room without a create event has no creators. */
export function readPowerLevels(state: AuthState, version: RoomVersion): PowerLevels {
  const create = state('m.room.create', '');
  const event = state('m.room.power_levels', '');
  const creators = create === undefined ? [] : creatorsOf(create, version);
  const initial = event === undefined ? 100 : undefined;
  const creatorLevel = version.creatorPower === 'infinite' ? Infinity : initial;
  const content = event?.content ?? {};
  return {
    ban: levelOf(content, 'ban') ?? 50,
    invite: levelOf(content, 'invite') ?? 0,
    kick: levelOf(content, 'kick') ?? 50,
    redact: levelOf(content, 'redact') ?? 50,
    of(user) {
      if (creatorLevel !== undefined && creators.includes(user)) return creatorLevel;
      return levelOf(objectMember(content, 'users'), user) ?? levelOf(content, 'users_default') ?? 0;
    },
    toSend(type, isState) {
      const ofKind = isState
        ? (levelOf(content, 'state_default') ?? 50)
        : (levelOf(content, 'events_default') ?? 0);
      return levelOf(objectMember(content, 'events'), type) ?? ofKind;
    },
    toNotify(kind) {
      return levelOf(objectMember(content, 'notifications'), kind) ?? 50;
    },
  };
}

/**
 * May this user take that event's content away? Their own, or with the room's redact level. (Between servers the rule
 * is wider: everybody of the author's server may; each server is trusted to have asked this first. Room version 3,
 * "Handling redactions".)
 */
export function mayRedact(levels: PowerLevels, user: UserId, author: UserId): boolean {
  return user === author || levels.of(user) >= levels.redact;
}

/** The users who made the room, as its version counts them. */
export function creatorsOf(create: AuthEvent, version: RoomVersion): readonly UserId[] {
  if (version.creators === 'content') {
    const creator = stringMember(create.content, 'creator');
    return creator === undefined ? [] : [creator];
  }
  if (version.creators === 'sender') return [create.sender];
  const additional = listMember(create.content, 'additional_creators') ?? [];
  return [create.sender, ...additional.filter((user) => typeof user === 'string')];
}

/** The level there; undefined where there is none or it is no integer. */
export function levelOf(levels: JsonObject | undefined, key: string): number | undefined {
  const level = levels && member(levels, key);
  return typeof level === 'number' && Number.isSafeInteger(level) ? level : undefined;
}

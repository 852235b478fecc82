import type { JsonObject, JsonValue, UserId } from '@matrix-futures/engine';
import { isUserId } from '../events/identifiers.ts';
import { isObject, member, objectMember } from '../events/json-member.ts';
import type { Rejection } from './auth-state.ts';
import type { Hearing } from './hearing.ts';
import { creatorsOf, levelOf } from './power-levels.ts';

const single = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'];
const maps = ['events', 'notifications'];

type Reject = (rule: number, message: string, part?: number) => Rejection;

/**
 * The rule for `m.room.power_levels` (9 in room versions 10 and 11, 10 in 12): nobody gives, takes or changes what is
 * above their own level.
 */
export function judgePowerLevels({ event, state, version, create, levels }: Hearing): Rejection | null {
  const hasCreators = version.creatorPower === 'infinite';
  const section = version.rules.powerLevels;
  const reject: Reject = (rule, message, part) => {
    // Numbers are those of versions 10 and 11; version 12 inserts its rule on creators as the fourth.
    const number = rule > 3 && hasCreators ? rule + 1 : rule;
    return { rule: [section, number, ...(part === undefined ? [] : [part])].join('.'), message };
  };
  const malformed = judgeForm(event.content, reject);
  if (malformed !== null) return malformed;
  const users = objectMember(event.content, 'users') ?? {};
  if (hasCreators && creatorsOf(create, version).some((creator) => Object.hasOwn(users, creator))) {
    return { rule: `${section}.4`, message: 'The power of creators cannot be set.' };
  }
  const before = state('m.room.power_levels', '');
  if (before === undefined) return null;
  const change = { before: before.content, after: event.content, level: levels.of(event.sender), reject };
  return judgeSingle(change) ?? judgeMaps(change) ?? judgeUsers(change, event.sender);
}

function judgeForm(content: JsonObject, reject: Reject): Rejection | null {
  const wrong = single.find((name) => isPresent(content, name) && levelOf(content, name) === undefined);
  if (wrong !== undefined) return reject(1, `${wrong} must be an integer.`);
  const wrongMap = maps.find((name) => isPresent(content, name) && !isMapOfLevels(member(content, name)));
  if (wrongMap !== undefined) return reject(2, `${wrongMap} must be an object whose values are integers.`);
  const users = member(content, 'users');
  const areUsers = users === undefined || (isMapOfLevels(users) && Object.keys(users).every(isUserId));
  if (areUsers) return null;
  return reject(3, 'users must be an object whose keys are user ids and whose values are integers.');
}

function isPresent(content: JsonObject, name: string): boolean {
  return member(content, name) !== undefined;
}

function isMapOfLevels(value: JsonValue | undefined): value is JsonObject {
  return isObject(value) && Object.keys(value).every((key) => levelOf(value, key) !== undefined);
}

interface LevelChange {
  readonly before: JsonObject;
  readonly after: JsonObject;
  /** of the sender */
  readonly level: number;
  readonly reject: Reject;
}

function judgeSingle({ before, after, level, reject }: LevelChange): Rejection | null {
  for (const { name, old, fresh } of alterations(before, after, single)) {
    if (old !== undefined && old > level) return reject(5, `${name} is above the sender's level.`, 1);
    if (fresh !== undefined && fresh > level)
      return reject(5, `${name} would be above the sender's level.`, 2);
  }
  return null;
}

function judgeMaps({ before, after, level, reject }: LevelChange): Rejection | null {
  const altered = maps.flatMap((map) => alterationsIn(before, after, map));
  for (const { name, old } of altered) {
    if (old !== undefined && old > level) return reject(6, `${name} is above the sender's level.`, 1);
  }
  for (const { name, fresh } of altered) {
    if (fresh !== undefined && fresh > level)
      return reject(7, `${name} would be above the sender's level.`, 1);
  }
  return null;
}

function judgeUsers({ before, after, level, reject }: LevelChange, sender: UserId): Rejection | null {
  const altered = alterationsIn(before, after, 'users');
  for (const { name, old } of altered) {
    if (name !== sender && old !== undefined && old >= level) {
      return reject(8, `${name} is not below the sender.`, 1);
    }
  }
  for (const { name, fresh } of altered) {
    if (fresh !== undefined && fresh > level) return reject(9, `${name} would be above the sender.`, 1);
  }
  return null;
}

/** A level that was added (no `old`), changed, or removed (no `fresh`). */
interface Alteration {
  readonly name: string;
  readonly old: number | undefined;
  readonly fresh: number | undefined;
}

function alterationsIn(before: JsonObject, after: JsonObject, map: string): readonly Alteration[] {
  const old = objectMember(before, map) ?? {};
  const fresh = objectMember(after, map) ?? {};
  return alterations(old, fresh, new Set([...Object.keys(old), ...Object.keys(fresh)]));
}

function alterations(before: JsonObject, after: JsonObject, names: Iterable<string>): readonly Alteration[] {
  return Array.from(names, (name) => ({
    name,
    old: levelOf(before, name),
    fresh: levelOf(after, name),
  })).filter(({ old, fresh }) => old !== fresh);
}

import type { JsonValue, UserId } from '@matrix-futures/engine';
import type { ClientEvent } from '../events/client-event.ts';
import { isList, isObject, member } from '../events/json-member.ts';
import { guessesMentions } from './default-rules.ts';
import type { Effort } from './effort.ts';
import { containsWords, globMatches, globMatchesWords } from './glob.ts';
import { kinds, type Condition, type Kind, type Rule, type Ruleset } from './rule.ts';

/** An event as clients see it, with its room: conditions name its members by path. */
export type RuledEvent = ClientEvent;

/** What some conditions ask of the room; asked only when a rule comes to it. */
export interface RuledRoom {
  joinedMembers(): number;
  /** the rules' owner's display name in the room */
  displayName(): string | null;
  /** Has the sender the power that `notifications[key]` of `m.room.power_levels` asks for? */
  mayNotify(sender: UserId, key: string): boolean;
  /** for all events that are judged with this value: when it is spent, no condition holds any more */
  readonly effort: Effort;
}

/** What a user is told of an event. */
export interface Verdict {
  readonly notify: boolean;
  readonly highlight: boolean;
}

/** Judges an event by a user's rules: the first that matches decides (Matrix specification, "Push Rules"). */
export type Evaluate = (event: RuledEvent, room: RuledRoom) => Verdict;

type Test = (event: RuledEvent, room: RuledRoom) => boolean;

const silent: Verdict = { notify: false, highlight: false };

/** Prepared once for a user and a version of the rules, then used for every event. */
export function compileRules(ruleset: Ruleset): Evaluate {
  const prepared = kinds.flatMap((kind) =>
    ruleset[kind]
      .filter((rule) => rule.enabled)
      .map((rule) => ({ test: testOf(kind, rule), verdict: verdictOf(rule) })),
  );
  return (event, room) => prepared.find(({ test }) => test(event, room))?.verdict ?? silent;
}

function verdictOf(rule: Rule): Verdict {
  const notify = rule.actions.includes('notify');
  const highlight = rule.actions.some(
    (action) => typeof action === 'object' && action.set_tweak === 'highlight' && action.value !== false,
  );
  return { notify, highlight: notify && highlight };
}

function testOf(kind: Kind, rule: Rule): Test {
  const test = bareTestOf(kind, rule);
  if (!guessesMentions.has(rule.rule_id)) return test;
  return (event, room) => valueAt(event, ['content', 'm.mentions']) === undefined && test(event, room);
}

function bareTestOf(kind: Kind, rule: Rule): Test {
  switch (kind) {
    case 'room':
      return (event) => event.room_id === rule.rule_id;
    case 'sender':
      return (event) => event.sender === rule.rule_id;
    case 'content':
      return conditionTest({ kind: 'event_match', key: 'content.body', pattern: rule.pattern ?? '' });
    case 'override':
    case 'underride': {
      const tests = (rule.conditions ?? []).map(conditionTest);
      return (event, room) => tests.every((test) => test(event, room));
    }
  }
}

/** A condition of an unknown kind, or without the parameters of its kind, never matches. */
function conditionTest(condition: Condition): Test {
  const { key, pattern, value, is } = condition;
  if (condition.kind === 'contains_display_name') return containsDisplayName;
  if (condition.kind === 'room_member_count' && is !== undefined) return memberCountTest(is);
  if (key === undefined) return never;
  const path = pathOf(key);
  const found = (event: RuledEvent, { effort }: RuledRoom) =>
    effort.spend(path.length) ? valueAt(event, path) : undefined;
  if (condition.kind === 'sender_notification_permission')
    return (event, room) => room.effort.spend(roomQuestion) && room.mayNotify(event.sender, key);
  if (condition.kind === 'event_match' && pattern !== undefined) {
    const matches = key === 'content.body' ? globMatchesWords : globMatches;
    return (event, room) => {
      const text = found(event, room);
      return typeof text === 'string' && matches(pattern, text, room.effort);
    };
  }
  if (value === undefined) return never;
  if (condition.kind === 'event_property_is') return (event, room) => found(event, room) === value;
  if (condition.kind === 'event_property_contains') {
    return (event, room) => {
      const list = found(event, room);
      return isList(list) && room.effort.spend(list.length) && list.includes(value);
    };
  }
  return never;
}

const never: Test = () => false;

/** Steps that it counts for to ask the room: its state is read for the answer. */
const roomQuestion = 100;

const containsDisplayName: Test = (event, room) => {
  if (!room.effort.spend(roomQuestion)) return false;
  const body = valueAt(event, ['content', 'body']);
  if (typeof body !== 'string') return false;
  const name = room.displayName();
  return name !== null && name !== '' && containsWords(body, name, room.effort);
};

function memberCountTest(is: string): Test {
  const parsed = /^(==|<=|>=|<|>)?(\d{1,15})$/.exec(is);
  if (parsed === null) return never;
  const wanted = Number(parsed[2]);
  const compare = comparisons[parsed[1] ?? '=='] ?? (() => false);
  return (_, room) => room.effort.spend(1) && compare(room.joinedMembers(), wanted);
}

const comparisons: Record<string, (count: number, wanted: number) => boolean> = {
  '==': (count, wanted) => count === wanted,
  '<': (count, wanted) => count < wanted,
  '>': (count, wanted) => count > wanted,
  '<=': (count, wanted) => count <= wanted,
  '>=': (count, wanted) => count >= wanted,
};

/** Splits a dot-separated path; `\.` and `\\` are a dot and a backslash that belong to a name. */
export function pathOf(key: string): readonly string[] {
  const parts = [''];
  for (const [piece] of key.matchAll(/\\[.\\]|[^]/g)) {
    if (piece === '.') parts.push('');
    else
      parts.push(
        (parts.pop() ?? '') + (piece.length === 2 && piece.startsWith('\\') ? piece.slice(1) : piece),
      );
  }
  return parts;
}

function valueAt(event: RuledEvent, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = event;
  for (const name of path) value = isObject(value) ? member(value, name) : undefined;
  return value;
}

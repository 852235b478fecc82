import Type, { type Static } from 'typebox';
import { defaultRules } from './default-rules.ts';
import {
  Action,
  Actions,
  Condition,
  kinds,
  type Kind,
  type Rule,
  type RuleBody,
  type Ruleset,
} from './rule.ts';

/**
 * What a user made of the rules: rules of their own, and what they changed about the predefined ones. The predefined
 * rules themselves are not stored, so that a newer set of them reaches everybody.
 */
const OwnRule = Type.Object({
  rule_id: Type.String(),
  enabled: Type.Boolean(),
  actions: Actions,
  conditions: Type.Optional(Type.Array(Condition)),
  pattern: Type.Optional(Type.String()),
});
type OwnRule = Static<typeof OwnRule>;

const DefaultChange = Type.Object({
  enabled: Type.Optional(Type.Boolean()),
  actions: Type.Optional(Type.Array(Action)),
});
type DefaultChange = Static<typeof DefaultChange>;

/** All that is stored of them, as JSON. */
export const Changes = Type.Object({
  /** by kind, most important first */
  own: Type.Object({
    override: Type.Array(OwnRule),
    content: Type.Array(OwnRule),
    room: Type.Array(OwnRule),
    sender: Type.Array(OwnRule),
    underride: Type.Array(OwnRule),
  }),
  /** by `kind/rule_id` */
  defaults: Type.Record(Type.String(), DefaultChange),
});
export type Changes = Static<typeof Changes>;

/** Of a user who has never changed a rule. */
export const noChanges: Changes = {
  own: { override: [], content: [], room: [], sender: [], underride: [] },
  defaults: {},
};

/** Where a new rule goes: before or after one of the user's own rules of its kind. */
export interface Place {
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/**
 * The rules that hold for the user. Own rules come before the predefined ones, except that `.m.rule.master` is before
 * everything (Matrix specification, "Predefined Rules").
 */
export function rulesetOf(user: string, changes: Changes): Ruleset {
  const defaults = defaultRules(user);
  const rules = (kind: Kind): Rule[] => {
    const own = changes.own[kind].map((rule) => ({ ...rule, default: false }));
    const predefined = defaults[kind].map((rule) => ({
      ...rule,
      ...changes.defaults[`${kind}/${rule.rule_id}`],
    }));
    const master = predefined.filter((rule) => rule.rule_id === '.m.rule.master');
    return [...master, ...own, ...predefined.filter((rule) => !master.includes(rule))];
  };
  return {
    override: rules('override'),
    content: rules('content'),
    room: rules('room'),
    sender: rules('sender'),
    underride: rules('underride'),
  };
}

/**
 * Adds a rule, or replaces the user's own rule of that id: one that is replaced keeps its place unless one is named,
 * and stays enabled or disabled; a new one is enabled and goes to the front.
 * @returns null when `place` names a rule that the user does not have
 */
export function withRule(
  changes: Changes,
  kind: Kind,
  id: string,
  body: RuleBody,
  place: Place,
): Changes | null {
  const rules = changes.own[kind];
  const old = rules.find((rule) => rule.rule_id === id);
  const rule: OwnRule = {
    rule_id: id,
    enabled: old?.enabled ?? true,
    actions: body.actions,
    ...(kind === 'override' || kind === 'underride' ? { conditions: body.conditions ?? [] } : {}),
    ...(kind === 'content' ? { pattern: body.pattern ?? '' } : {}),
  };
  const others = rules.filter((other) => other !== old);
  const beside = place.before ?? place.after;
  if (beside === undefined) {
    return withOwn(
      changes,
      kind,
      old === undefined ? [rule, ...others] : rules.with(rules.indexOf(old), rule),
    );
  }
  const found = others.findIndex((other) => other.rule_id === beside);
  if (found === -1) return null;
  return withOwn(changes, kind, others.toSpliced(place.before === undefined ? found + 1 : found, 0, rule));
}

/** @returns null when the user has no such rule of their own */
export function withoutRule(changes: Changes, kind: Kind, id: string): Changes | null {
  const rules = changes.own[kind];
  const kept = rules.filter((rule) => rule.rule_id !== id);
  return kept.length === rules.length ? null : withOwn(changes, kind, kept);
}

/** Changes `enabled` or `actions` of any rule. @returns null when there is no such rule */
export function withChange(
  user: string,
  changes: Changes,
  kind: Kind,
  id: string,
  change: DefaultChange,
): Changes | null {
  const rules = changes.own[kind];
  const own = rules.findIndex((rule) => rule.rule_id === id);
  const old = rules[own];
  if (old !== undefined) return withOwn(changes, kind, rules.with(own, { ...old, ...change }));
  if (!defaultRules(user)[kind].some((rule) => rule.rule_id === id)) return null;
  const key = `${kind}/${id}`;
  return { ...changes, defaults: { ...changes.defaults, [key]: { ...changes.defaults[key], ...change } } };
}

/** How many rules of their own the user has, over all kinds. */
export function ownRules(changes: Changes): number {
  return kinds.reduce((count, kind) => count + changes.own[kind].length, 0);
}

function withOwn(changes: Changes, kind: Kind, rules: OwnRule[]): Changes {
  return { ...changes, own: { ...changes.own, [kind]: rules } };
}

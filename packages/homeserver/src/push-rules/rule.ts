import Type, { type Static } from 'typebox';

/**
 * Push rules as the client-server API has them (Matrix specification, "Push Rules").
 */

/** In the order in which they are checked. */
export const kinds = ['override', 'content', 'room', 'sender', 'underride'] as const;
export type Kind = (typeof kinds)[number];

/** The kind a path names; null for anything else. */
export function kindOf(name: string): Kind | null {
  return kinds.find((kind) => kind === name) ?? null;
}

const Simple = Type.Union([Type.Null(), Type.Boolean(), Type.Number(), Type.String({ maxLength: 1024 })]);

/** `notify`, or a tweak. Other strings (`dont_notify`, `coalesce`) are history and do nothing. */
export const Action = Type.Union([
  Type.String({ maxLength: 64 }),
  Type.Object({ set_tweak: Type.String({ maxLength: 64 }), value: Type.Optional(Simple) }),
]);
export type Action = Static<typeof Action>;

/** At most eight actions: there are three that mean anything. */
export const Actions = Type.Array(Action, { maxItems: 8 });

/** One shape for all kinds of condition; a kind nobody knows is kept and never matches. */
export const Condition = Type.Object({
  kind: Type.String({ maxLength: 64 }),
  key: Type.Optional(Type.String({ maxLength: 255 })),
  pattern: Type.Optional(Type.String({ maxLength: 255 })),
  value: Type.Optional(Simple),
  is: Type.Optional(Type.String({ maxLength: 32 })),
});
export type Condition = Static<typeof Condition>;

/** What a client hands over to make or change a rule of its own. */
export const RuleBody = Type.Object({
  actions: Actions,
  conditions: Type.Optional(Type.Array(Condition, { maxItems: 16 })),
  pattern: Type.Optional(Type.String({ maxLength: 255 })),
});
export type RuleBody = Static<typeof RuleBody>;

export type Rule = {
  readonly rule_id: string;
  /** true: predefined by the server */
  readonly default: boolean;
  readonly enabled: boolean;
  readonly actions: readonly Action[];
  /** only of `override` and `underride` */
  readonly conditions?: readonly Condition[];
  /** only of `content` */
  readonly pattern?: string;
};

/** All rules of one user, most important first within a kind. */
export type Ruleset = { readonly [kind in Kind]: readonly Rule[] };

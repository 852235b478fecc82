import type { UserId } from '@matrix-futures/engine';
import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import type { PushRuleStore } from './push-rule-store.ts';
import type { Rule } from './rule.ts';
import { requireKind, requireScope, type RulePath } from './scope.ts';

/** `GET /pushrules/`: all of the user's rules (client-server API, "Push Rules: API"). */
export function getPushRules(turn: Turn, rules: PushRuleStore): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/pushrules/', '/pushrules'),
    authentication: 'required',
    summary: 'Reads all push rules',
    handle: async ({ requester }) => ({
      body: { global: await turn.unit(() => rules.of(requester.user).ruleset) },
    }),
  });
}

/** `GET /pushrules/global/` */
export function getGlobalPushRules(turn: Turn, rules: PushRuleStore): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/pushrules/:scope/', '/pushrules/:scope'),
    authentication: 'required',
    summary: 'Reads all push rules of a scope',
    handle: async ({ requester, params }) => {
      requireScope(params.scope);
      return { body: await turn.unit(() => rules.of(requester.user).ruleset) };
    },
  });
}

/** `GET /pushrules/global/{kind}/{ruleId}` */
export function getPushRule(turn: Turn, rules: PushRuleStore): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/pushrules/:scope/:kind/:ruleId'),
    authentication: 'required',
    summary: 'Reads a push rule',
    handle: async ({ requester, params }) => {
      return { body: await find(turn, rules, requester.user, params) };
    },
  });
}

const parts = ['enabled', 'actions'] as const;

/** `GET /pushrules/global/{kind}/{ruleId}/enabled` and `…/actions` */
export function getPushRuleParts(turn: Turn, rules: PushRuleStore): readonly Endpoint[] {
  return parts.map((part) =>
    endpoint({
      method: 'GET',
      paths: client(`/pushrules/:scope/:kind/:ruleId/${part}`),
      authentication: 'required',
      summary: `Reads the ${part} of a push rule`,
      handle: async ({ requester, params }) => {
        const rule = await find(turn, rules, requester.user, params);
        return { body: { [part]: rule[part] } };
      },
    }),
  );
}

/** @throws MatrixError for a scope, a kind or a rule that there is not */
async function find(turn: Turn, rules: PushRuleStore, user: UserId, path: RulePath): Promise<Rule> {
  requireScope(path.scope);
  const kind = requireKind(path.kind);
  const ruleset = await turn.unit(() => rules.of(user).ruleset);
  const rule = ruleset[kind].find((one) => one.rule_id === path.ruleId);
  if (rule === undefined) throw new MatrixError('notFound', 'No such push rule');
  return rule;
}

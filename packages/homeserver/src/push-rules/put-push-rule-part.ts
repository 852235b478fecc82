import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import Type from 'typebox';
import { withChange } from './changes.ts';
import type { PushRuleStore } from './push-rule-store.ts';
import { Actions, type Action } from './rule.ts';
import { requireKind, requireScope, type RulePath } from './scope.ts';

/** `PUT /pushrules/global/{kind}/{ruleId}/enabled` and `…/actions`, of predefined rules too. */
export function putPushRuleParts(turn: Turn, rules: PushRuleStore): readonly Endpoint[] {
  const change = (user: string, path: RulePath, part: { enabled: boolean } | { actions: Action[] }) => {
    requireScope(path.scope);
    const kind = requireKind(path.kind);
    return turn.unit(() => {
      const changes = withChange(user, rules.of(user).changes, kind, path.ruleId, part);
      if (changes === null) throw new MatrixError('notFound', 'No such push rule');
      rules.change(user, changes);
    });
  };
  return [
    endpoint({
      method: 'PUT',
      paths: client('/pushrules/:scope/:kind/:ruleId/enabled'),
      authentication: 'required',
      summary: 'Enables or disables a push rule',
      body: Type.Object({ enabled: Type.Boolean() }),
      handle: async (call) => {
        const { requester, params } = call;
        await change(requester.user, params, { enabled: call.body().enabled });
        return {};
      },
    }),
    endpoint({
      method: 'PUT',
      paths: client('/pushrules/:scope/:kind/:ruleId/actions'),
      authentication: 'required',
      summary: 'Changes the actions of a push rule',
      body: Type.Object({ actions: Actions }),
      handle: async (call) => {
        const { requester, params } = call;
        await change(requester.user, params, { actions: call.body().actions });
        return {};
      },
    }),
  ];
}

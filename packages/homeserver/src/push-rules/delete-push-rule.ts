import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import { withoutRule } from './changes.ts';
import type { PushRuleStore } from './push-rule-store.ts';
import { requireKind, requireScope } from './scope.ts';

/** `DELETE /pushrules/global/{kind}/{ruleId}`: own rules only, predefined ones can be disabled. */
export function deletePushRule(turn: Turn, rules: PushRuleStore): Endpoint {
  return endpoint({
    method: 'DELETE',
    paths: client('/pushrules/:scope/:kind/:ruleId'),
    authentication: 'required',
    summary: 'Removes a push rule',
    handle: async ({ requester, params }) => {
      requireScope(params.scope);
      const kind = requireKind(params.kind);
      await turn.unit(() => {
        const changes = withoutRule(rules.of(requester.user).changes, kind, params.ruleId);
        if (changes === null) throw new MatrixError('notFound', 'No push rule of your own has this id');
        rules.change(requester.user, changes);
      });
      return {};
    },
  });
}

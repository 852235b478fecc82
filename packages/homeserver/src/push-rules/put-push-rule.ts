import { client, endpoint, MatrixError, type Endpoint } from '@matrix-futures/http';
import type { Turn } from '@matrix-futures/sqlite';
import Type from 'typebox';
import { withRule } from './changes.ts';
import type { PushRuleStore } from './push-rule-store.ts';
import { RuleBody } from './rule.ts';
import { requireKind, requireOwnId, requireScope } from './scope.ts';

/** `PUT /pushrules/global/{kind}/{ruleId}` (client-server API, "Push Rules: API") */
export function putPushRule(turn: Turn, rules: PushRuleStore): Endpoint {
  return endpoint({
    method: 'PUT',
    paths: client('/pushrules/:scope/:kind/:ruleId'),
    authentication: 'required',
    summary: 'Makes or changes a push rule',
    query: Type.Object({ before: Type.Optional(Type.String()), after: Type.Optional(Type.String()) }),
    body: RuleBody,
    handle: async (call) => {
      const { requester, params, query } = call;
      requireScope(params.scope);
      const kind = requireKind(params.kind);
      const id = requireOwnId(params.ruleId);
      const rule = call.body();
      if (kind === 'content' && rule.pattern === undefined) {
        throw new MatrixError('missingParam', 'A content rule needs a pattern');
      }
      await turn.unit(() => {
        const place = { before: query.before, after: query.after };
        const changes = withRule(rules.of(requester.user).changes, kind, id, rule, place);
        // The specification names M_UNKNOWN for this one.
        if (changes === null)
          throw new MatrixError('badRequest', 'The rule named by before or after is not yours');
        rules.change(requester.user, changes);
      });
      return {};
    },
  });
}

import { MatrixError } from '@matrix-futures/http';
import { kindOf, type Kind } from './rule.ts';

/** Names a rule in the path of a request. */
export interface RulePath {
  readonly scope: string;
  readonly kind: string;
  readonly ruleId: string;
}

/** There is one scope; rules per device are history. @throws MatrixError `invalidParam` */
export function requireScope(scope: string): void {
  if (scope !== 'global') throw new MatrixError('invalidParam', 'The only scope of push rules is global');
}

/** @throws MatrixError `invalidParam` */
export function requireKind(name: string): Kind {
  const kind = kindOf(name);
  if (kind === null) throw new MatrixError('invalidParam', 'No such kind of push rule');
  return kind;
}

/**
 * Ids of own rules: a dot in front is reserved for predefined ones, slashes are forbidden.
 * @throws MatrixError `invalidParam`
 */
export function requireOwnId(id: string): string {
  if (id.startsWith('.') || /[/\\]/.test(id) || id.length > 255) {
    throw new MatrixError('invalidParam', 'Not an id that a push rule of your own can have');
  }
  return id;
}

import type { Futures, UseAnswer } from '@matrix-futures/engine';
import {
  type FastPath,
  MatrixError,
  type PreparedAnswer,
  prepareAnswer,
  sendPrepared,
} from '@matrix-futures/http';
import { storeError } from '../refusals.ts';
import { tokenError, tokenMethods, tokenPaths } from './token.ts';

const prepare = ({ status, body, headers }: MatrixError): PreparedAnswer =>
  prepareAnswer(status, body, headers);

const done = prepareAnswer(200, {});
const gone = prepare(tokenError({ kind: 'gone' }));
const defect = prepare(new MatrixError('unknown', 'Internal server error'));

const methods: readonly (string | undefined)[] = tokenMethods;
const prefixes = tokenPaths.map((path) => RegExp.escape(path.replace(':token', '')));
/** One pass over the URL; a token that is percent-encoded is left to the router. */
const tokenUrl = new RegExp(`^(?:${prefixes.join('|')})([^/?%]+)(?:\\?|$)`);

/**
 * Heartbeats, before anything else looks at the request: no routing, no login, no body, two answers that were made
 * beforehand. What it does not take (a token that is percent-encoded, another method) `useToken` answers.
 * @param onError is told of defects, which are answered 500
 */
export function tokenFastPath(futures: Futures, onError: (error: unknown) => void): FastPath {
  const refused = (error: unknown): PreparedAnswer => {
    const known = storeError(error);
    if (known !== null) return prepare(known);
    onError(error);
    return defect;
  };

  return ({ method, url = '' }, response) => {
    const token = methods.includes(method) ? tokenUrl.exec(url)?.[1] : undefined;
    if (token === undefined) return false;
    futures.use(token).then(
      (answer) => sendPrepared(response, answerOf(answer)),
      (error: unknown) => sendPrepared(response, refused(error)),
    );
    return true;
  };
}

function answerOf(answer: UseAnswer): PreparedAnswer {
  if (answer.kind === 'done') return done;
  return answer.kind === 'gone' ? gone : prepare(tokenError(answer));
}

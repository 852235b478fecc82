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

const methods: ReadonlySet<string | undefined> = new Set(tokenMethods);
const prefixes: ReadonlySet<string> = new Set(
  tokenPaths.map((path) => path.slice(0, path.lastIndexOf('/') + 1)),
);

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

  return ({ method, url }, response) => {
    const token = methods.has(method) && url !== undefined ? tokenIn(url) : null;
    if (token === null) return false;
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

/** null: not the path of a token, or not as plain as it nearly always is */
function tokenIn(url: string): string | null {
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  const start = path.lastIndexOf('/') + 1;
  if (start === path.length || !prefixes.has(path.slice(0, start))) return null;
  const token = path.slice(start);
  return token.includes('%') ? null : token;
}

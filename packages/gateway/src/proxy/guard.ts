import { MatrixError } from '@matrix-futures/http';
import { originForm } from './path.ts';

/** Says why a request must not go on to the homeserver; null: it may. */
export type Guard = (target: string) => MatrixError | null;

/**
 * Makes the last check before a request leaves for the homeserver. Whoever asks for an event to be sent later, in
 * whatever spelling, must not reach one that does not know the spelling: it would send the event at once, and a leave
 * that is sent at once ends the call. So what no endpoint answered is refused here if it has any parameter that delays,
 * or is one of the futures' paths, as any decoder of URLs between here and the homeserver's handler may read it:
 * percent-encoded once or more, in another case, with doubled, encoded or backward slashes, dot segments, path
 * parameters, under any prefix.
 * @param parameters names of query parameters that delay
 */
export function createGuard(parameters: readonly string[]): Guard {
  const guardParameters = createParameterGuard(parameters);
  return (target) => {
    const path = decoded(partsOf(target)[0]);
    if (path !== null && forms(path).some((form) => ownPaths.some((own) => own.test(form))))
      return new MatrixError('unrecognized', 'Nothing is served under this spelling of the path');
    return guardParameters(target);
  };
}

/**
 * The same of the parameters alone, for a request whose path was judged. They are looked for behind an encoded `?` and in
 * a path without any `?`, too.
 */
export function createParameterGuard(parameters: readonly string[]): Guard {
  const names = new Set(parameters.map((name) => name.toLowerCase()));
  return (target) => {
    const [rawPath, query] = partsOf(target);
    const path = decoded(rawPath);
    // An alias begins with `#`.
    const behindPath = path === null ? [null] : namesIn(path.replaceAll('#', '')).slice(1);
    const queried = [...namesIn(query), ...behindPath];
    if (queried.includes(null))
      return new MatrixError('unrecognized', `The URL is percent-encoded more than ${mostRounds} times`);
    if (queried.some((name) => name !== null && (names.has(name) || unknownSpelling.test(name))))
      return new MatrixError('unrecognized', 'Nothing is sent later under this path');
    return null;
  };
}

/** Path and query, not decoded. */
function partsOf(target: string): readonly [path: string, query: string] {
  const url = originForm(target);
  const mark = url.indexOf('?');
  return mark === -1 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
}

/** What a proposal about delayed events may come to name its parameters by. */
const unknownSpelling = /msc(?:3140|4140)(?!\d)|^(?:m\.)?(?:delay|delay_ms|future_timeout|future_group_id)$/;

/**
 * The futures' paths, in lower case and however they begin. `rooms/ID/…` and `…/ID` under them are told apart from
 * events whose type or state key happens to be such a word by how deep they are.
 */
const ownPaths: readonly RegExp[] = [
  /\/rooms\/[^/]+\/(?:send\/future|send_future|state_future|delayed_events?)(?:\/|$)/,
  /\/client(?:\/[^/]+){0,2}\/(?:futures|delayed_events?)(?:\/|$)/,
  // a client takes any answer but this 404 for a promise that its leave is in other hands
  /\/rtc\/livekit\/delegate_delayed_leave(?:\/|$)/,
];

/** A decoded path with and without its dot segments taken for steps. */
function forms(path: string): string[] {
  const segments = path
    .replaceAll('\\', '/')
    .split('/')
    .map((segment) => segment.split(';', 1)[0] ?? '')
    .filter((segment) => segment !== '' && segment !== '.');
  const stepped: string[] = [];
  for (const segment of segments) {
    if (segment === '..') stepped.pop();
    else stepped.push(segment);
  }
  return [segments, stepped].map((form) => `/${form.join('/')}`);
}

/**
 * The names of a query's parameters, decoded. Some servers take `;` for `&`; a client that joins URLs by hand may write
 * `?` or `#` for it. What no name of ours has in it is left out: lists are written `name[]`, and blanks are trimmed.
 */
function namesIn(query: string): (string | null)[] {
  return query
    .split(/[&;?#]/)
    .map((pair) => decoded(pair.split('=', 1)[0] ?? '')?.replaceAll(/[^\w.-]/g, '') ?? null);
}

/** Nobody encodes so often; what does is made to look like what it is not, or to take long. */
const mostRounds = 4;

/**
 * Decoded until nothing changes, for a proxy in between may decode once more, and in lower case; null: more often than
 * anybody would. All the names are ASCII, so a byte is as good as a character, and what is malformed stays.
 */
function decoded(text: string): string | null {
  let before = text;
  for (let round = 0; round <= mostRounds; round += 1) {
    const after = before.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (after === before) return after.toLowerCase();
    before = after;
  }
  return null;
}

import type { IncomingMessage } from 'node:http';

/** Said between two neighbours, and to nobody behind them (RFC 9110, 7.6.1); so is what `Connection` names. */
const betweenNeighbours: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Said anew on the way up. Node has answered `Expect: 100-continue` by itself. */
const saidAnew: ReadonlySet<string> = new Set([
  'content-length',
  'expect',
  'host',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);

/** Without a body these announce none; others say that it is empty, as a homeserver may insist (RFC 9110, 8.6). */
const withoutBody: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

const ourName = 'matrix-futures';

/** It came this way before (RFC 9110, 7.6.3): what is passed on once more would go round for ever. */
export function hasPassedHere({ headers }: IncomingMessage): boolean {
  return (headers.via ?? '').includes(ourName);
}

/** Headers that a part of the proxy wants to be other than the client's; names in lower case. */
export type Overrides = Readonly<Record<string, string>>;

/**
 * The headers of a client's request as the homeserver is to get them: names and values in turn, in their order, doubled
 * ones doubled, with what a proxy adds (`X-Forwarded-…`) and with the framing of the body.
 * @param host names the homeserver where the client named nobody
 * @param bodySize of a body that is not the request's own stream
 */
export function headersUp(
  request: IncomingMessage,
  host: string,
  overrides: Overrides = {},
  bodySize: number | null = null,
): string[] {
  const { headers, method = 'GET', socket } = request;
  const own = headers.host;
  const dropped = droppedOf(request);
  const kept = pairs(request).filter(
    ([name]) => !dropped.has(name) && !saidAnew.has(name) && overrides[name] === undefined,
  );
  const forwardedFor = [headers['x-forwarded-for'], socket.remoteAddress].flat().filter(Boolean).join(', ');
  const proto = headers['x-forwarded-proto'] ?? ('encrypted' in socket ? 'https' : 'http');
  const forwardedHost = headers['x-forwarded-host'] ?? own;
  return [
    ...['Host', own ?? host],
    ...kept.flatMap(([, name, value]) => [name, value]),
    ...['Via', `1.1 ${ourName}`],
    ...['X-Forwarded-For', forwardedFor],
    ...['X-Forwarded-Proto', String(proto)],
    ...(forwardedHost === undefined ? [] : ['X-Forwarded-Host', String(forwardedHost)]),
    ...Object.entries(overrides).flat(),
    ...framing(method, headers, bodySize),
  ];
}

function framing(method: string, headers: IncomingMessage['headers'], bodySize: number | null): string[] {
  if (bodySize !== null) return ['Content-Length', String(bodySize)];
  if (headers['transfer-encoding'] !== undefined) return ['Transfer-Encoding', 'chunked'];
  const length = headers['content-length'] ?? (withoutBody.has(method) ? null : '0');
  return length === null ? [] : ['Content-Length', length];
}

/** Can the first line of an answer be said again? Node reads statuses and reasons that it, or Fastify, does not write. */
export function hasPassableStatus({ statusCode = 0, statusMessage = '' }: IncomingMessage): boolean {
  return statusCode >= 100 && statusCode <= 599 && /^[\t\x20-\x7e\x80-\xff]*$/.test(statusMessage);
}

/** The headers of the homeserver's answer as the client is to get them, names and values in turn. */
export function headersDown(answer: IncomingMessage, without: ReadonlySet<string> = new Set()): string[] {
  const dropped = droppedOf(answer);
  return pairs(answer)
    .filter(([name]) => !dropped.has(name) && !without.has(name))
    .flatMap(([, name, value]) => [name, value]);
}

function droppedOf({ headers }: IncomingMessage): ReadonlySet<string> {
  const named = headers.connection
    ?.toLowerCase()
    .split(',')
    .map((name) => name.trim());
  // the length is framing; an answer whose length is dropped would be taken for one without an end
  return named === undefined
    ? betweenNeighbours
    : new Set([...betweenNeighbours, ...named.filter((name) => name !== 'content-length')]);
}

/** Name in lower case, name as written, value. */
function pairs({ rawHeaders }: IncomingMessage): [string, string, string][] {
  const found: [string, string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    found.push([name.toLowerCase(), name, rawHeaders[index + 1] ?? '']);
  }
  return found;
}

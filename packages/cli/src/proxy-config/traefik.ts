import { delayingParameters } from '@matrix-futures/api';
import { federation, ownPaths } from './patterns.ts';
import { addressOf, type ProxyRequest, urlOf } from './request.ts';

/**
 * For Traefik 3.6 or later: a file of its file provider. Unlike the others, Traefik matches when it has decoded names and
 * cleaned paths, so nothing is needed here for other spellings. Written by its documentation; never run.
 */
export function traefikConfig({ front, gateway, homeserver, serverName }: ProxyRequest): string {
  const host = `Host(\`${serverName.replace(/:\d+$/, '')}\`)`;
  const router = (name: string, rule: string, service: string, priority: number, middlewares = ''): string =>
    `    ${name}:
      rule: >-
        ${host} && ${rule}
      priority: ${priority}
      service: ${service}${middlewares === '' ? '' : `\n      middlewares: [${middlewares}]`}`;
  const anywhere = 'PathPrefix(`/_matrix/`)';
  return `# Matrix Futures: ${serverName}, the gateway on ${addressOf(gateway)}, the homeserver on ${addressOf(homeserver)}.
# NOT TRIED: written by the documentation of Traefik 3.6 and later. After loading it, run "matrix-futures doctor".
#
# In Traefik's static configuration, for the entry point that this is served on:
#   http.encodedCharacters: allowEncodedSlash, allowEncodedSemicolon, allowEncodedPercent, allowEncodedQuestionMark and
#     allowEncodedHash true (room ids, event types and state keys are percent-encoded, and refused otherwise)
#   http.encodeQuerySemicolons: as it is (false), so that names behind a semicolon are seen
#   transport.respondingTimeouts.readTimeout: 0, for uploads and long polls
#   accessLog: format json, fields.names.RequestPath and RequestLine drop: Traefik cannot mask a part of a path, and
#     tokens and delay ids are in it
# Where the gateway is down, Traefik says 502 without a body of Matrix: nothing reaches the homeserver, but clients learn
# less than from nginx, HAProxy or Caddy.

http:
  routers:
${[
  router('matrix-app', 'PathPrefix(`/_matrix/app/`)', 'matrix-nowhere', 1_000),
  router(
    'matrix-versions',
    'Path(`/_matrix/client/versions`)',
    'matrix-gateway',
    900,
    'matrix-wait, matrix-cors',
  ),
  ...(front === 'all'
    ? [
        router('matrix-federation', `PathRegexp(\`${federation}\`)`, 'matrix-homeserver', 800),
        router('matrix-gateway', anywhere, 'matrix-gateway', 100, 'matrix-cors'),
      ]
    : [
        router('matrix-gateway', ofGateway, 'matrix-gateway', 800, 'matrix-cors'),
        router('matrix-homeserver', anywhere, 'matrix-homeserver', 100),
      ]),
].join('\n')}
  middlewares:
    # Element does not start without /versions. Traefik keeps no answers: while the gateway restarts, a request waits.
    matrix-wait:
      retry: { attempts: 20, initialInterval: 250ms }
    matrix-cors:
      headers:
        customResponseHeaders: { Access-Control-Allow-Origin: "*" }
  services:
    matrix-gateway:
      loadBalancer: { passHostHeader: true, servers: [{ url: "${urlOf(gateway)}" }] }
    # No server: what only the homeserver calls is answered 503.
    matrix-nowhere:
      loadBalancer: { servers: [] }
    matrix-homeserver:
      loadBalancer: { passHostHeader: true, servers: [{ url: "${urlOf(homeserver)}" }] }
`;
}

const ofGateway = `(
        ${[
          ...[...ownPaths.regexes, '/send/future/'].map((regex) => `PathRegexp(\`${regex}\`)`),
          ...delayingParameters.map((name) => `QueryRegexp(\`${name}\`, \`.*\`)`),
        ].join(' ||\n        ')}
        )`;

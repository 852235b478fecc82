import { awayBody, awayHeaders, unknownPathBody } from './away.ts';
import { beforeSecret, federation, type Group, ownPaths, sentAtOnce } from './patterns.ts';
import { addressOf, type ProxyRequest, type Server } from './request.ts';

/** For HAProxy 2.6 or later: a whole file, or the sections of one. */
export function haproxyConfig({ front, gateway, homeserver, serverName }: ProxyRequest): string {
  const acls = ({ why, regexes }: Group): string =>
    [`    # ${why}`, ...regexes.map((regex) => `    acl matrix_gateway pathq -m reg '${regex}'`)].join('\n');
  const headers = awayHeaders.map(([name, value]) => `hdr ${name} '${value}'`).join(' ');
  // 408 is the client's own, and comes before any of these rules.
  const errors = [502, 503, 504].map(
    (status) =>
      `    http-error status ${status} content-type application/json string '${awayBody}' ${headers}`,
  );
  return `# Matrix Futures: ${serverName}, the gateway on ${addressOf(gateway)}, the homeserver on ${addressOf(homeserver)}.

global
    log /dev/log local0

defaults matrix
    mode http
    log global
    timeout connect 5s
    timeout http-request 30s
    timeout http-keep-alive 75s
    # Longer than the longest long poll.
    timeout client 10m
    timeout server 10m
    timeout tunnel 1h
    # Nothing is sent twice.
    retries 0
    # Whoever is down, nothing goes to the other instead: the homeserver would send at once what is to be sent later.
${errors.join('\n')}

cache matrix_versions
    total-max-size 4
    max-age 60

frontend matrix from matrix
    # Your own line: bind :443 ssl crt …

    # Tokens and delay ids in paths, and queries, which may hold access tokens, are not logged.
    http-request set-var(txn.matrix_path) path,'regsub("^(.*${beforeSecret})[^/]+","\\1***")'
    log-format '%ci [%tr] %b %Ta "%HM %[var(txn.matrix_path)]" %ST %B %tsc'

    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]

    # A browser's preflight succeeds also where the server is down: a script could not read the error otherwise.
    http-request set-var(txn.matrix_method) method
    http-after-response set-status 200 if { var(txn.matrix_method) -m str OPTIONS } { status 502:504 }

    # The homeserver tells the gateway of new state there, directly; nothing else begins with a part that is encoded.
    http-request return status 404 content-type application/json string '${unknownPathBody}' if { path -m reg '^/_matrix/+(app/|[^/]*%)' }
    use_backend matrix_versions if { path /_matrix/client/versions }

    # Where a request goes, by path and query as the client wrote them. Lines of the same name are alternatives.
${
  front === 'all'
    ? `    use_backend matrix_homeserver if { path -m reg '${federation}' }
    use_backend matrix_gateway if { path_beg /_matrix/ }`
    : `${acls(ownPaths)}
${acls(sentAtOnce)}
    use_backend matrix_gateway if { path_beg /_matrix/ } matrix_gateway
    use_backend matrix_homeserver if { path_beg /_matrix/ }`
}
    # Other paths of the homeserver (/_synapse/client, /.well-known/matrix) stay as you have them.

backend matrix_homeserver from matrix
    server homeserver ${serverOf(homeserver)}

backend matrix_gateway from matrix
    server gateway ${serverOf(gateway)}

# Element does not start without it. Everybody gets the answer to nobody in particular, kept for a minute; where there is
# none a request waits up to ten seconds for the gateway to come back.
backend matrix_versions from matrix
    retries 10
    http-request del-header Authorization
    http-request set-uri /_matrix/client/versions
    http-request cache-use matrix_versions
    http-response set-header Cache-Control "public, max-age=60" if { status 200 }
    http-response del-header Vary
    http-response cache-store matrix_versions
    server gateway ${serverOf(gateway)}
`;
}

const serverOf = (server: Server): string =>
  addressOf(server) + (server.isSecure ? ' ssl verify required ca-file @system-ca' : '');

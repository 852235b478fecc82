import { awayBody, awayHeaders, unknownPathBody } from './away.ts';
import type { Pattern, Patterns } from './patterns.ts';
import { addressOf, type ProxyRequest, type Server } from './request.ts';

/** For HAProxy 2.6 or later: a whole file, or the sections of one. */
export function haproxyConfig(
  patterns: Patterns,
  { front, gateway, homeserver, serverName }: ProxyRequest,
): string {
  const acl = (name: string, { what, regex }: Pattern): string => `    # ${what}
    acl ${name} pathq -m reg '${regex}'`;
  const headers = awayHeaders.map(([name, value]) => `hdr ${name} '${value}'`).join(' ');
  // 408 is the client's own, and comes before any of these rules.
  const errors = [502, 503, 504].map(
    (status) =>
      `    http-error status ${status} content-type application/json string '${awayBody}' ${headers}`,
  );
  const routed = front === 'all' ? [] : [patterns.capabilities, ...patterns.delaying];
  return `# Matrix Futures: ${serverName}, the gateway on ${addressOf(gateway)}, the homeserver on ${addressOf(homeserver)}.

global
    log /dev/log local0

defaults
    mode http
    log global
    timeout connect 5s
    timeout http-request 30s
    timeout http-keep-alive 75s
    # Longer than the longest long poll of a client.
    timeout client 10m
    timeout server 10m
    timeout tunnel 1h
    # What goes through a proxy is never sent twice.
    retries 0

cache matrix_versions
    total-max-size 4
    max-age 60

# Your own: option dontlognull, TLS, other frontends.
frontend matrix
    # Your own line: bind :443 ssl crt …

    # Where a request goes, by its URL exactly as it came: room ids and tokens are percent-encoded, and names that are
    # encoded must not slip through. Lines of the same name are alternatives.
${[
  acl('matrix_nowhere', patterns.appService),
  acl('matrix_versions', patterns.versions),
  ...(front === 'all' ? [acl('matrix_federation', patterns.federation)] : []),
  ...routed.map((pattern) => acl('matrix_gateway', pattern)),
].join('\n')}

    # Tokens and delay ids are as good as the right to use them, and a query may hold an access token: neither is logged.
    http-request set-var(txn.matrix_path) path,'regsub("^(.*${patterns.beforeSecret})[^/]+","\\1***")'
    log-format '%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %tsc %HM %[var(txn.matrix_path)]'

    # What a client says of where it comes from is not passed on.
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]

    # A browser's preflight succeeds also where the server is down: a script could not read the error otherwise.
    http-request set-var(txn.matrix_method) method
    http-after-response set-status 200 if { var(txn.matrix_method) -m str OPTIONS } { status 502:504 }

    http-request return status 404 content-type application/json string '${unknownPathBody}' if matrix_nowhere
    use_backend matrix_versions if matrix_versions
${
  front === 'all'
    ? `    use_backend matrix_homeserver if matrix_federation
    use_backend matrix_gateway if { path_beg /_matrix/ }`
    : `    use_backend matrix_gateway if matrix_gateway
    use_backend matrix_homeserver if { path_beg /_matrix/ }`
}
    # Other paths of the homeserver (/_synapse/client, /.well-known/matrix) stay as you have them.

backend matrix_homeserver
    server homeserver ${serverOf(homeserver)}
${errors.join('\n')}

# When the gateway is down, what is the gateway's is refused. It never goes to the homeserver, which would send at once
# what is to be sent later.
backend matrix_gateway
    server gateway ${serverOf(gateway)}
${errors.join('\n')}

# Element does not start without /versions. HAProxy keeps no answer beyond its time, so: it is asked without a login, kept
# for a minute, and where there is none a request waits up to ten seconds for the gateway to come back.
backend matrix_versions
    retries 10
    http-request del-header Authorization
    http-request set-uri /_matrix/client/versions
    http-request cache-use matrix_versions
    http-response set-header Cache-Control "public, max-age=60" if { status 200 }
    http-response del-header Vary
    http-response cache-store matrix_versions
    server gateway ${serverOf(gateway)}
${errors.join('\n')}
`;
}

const serverOf = (server: Server): string =>
  addressOf(server) + (server.isSecure ? ' ssl verify required ca-file @system-ca' : '');

import { awayBody, awayHeaders, awayStatus, unknownPathBody } from './away.ts';
import type { Pattern, Patterns } from './patterns.ts';
import { addressOf, type ProxyRequest, type Server } from './request.ts';

/** For nginx 1.22 or later, to be included in its `http` block: a file of `conf.d` or `sites-enabled`. */
export function nginxConfig(
  patterns: Patterns,
  { front, gateway, homeserver, serverName }: ProxyRequest,
): string {
  const route =
    (to: string) =>
    ({ what, regex }: Pattern) =>
      `    # ${what}\n    "~${regex}" ${to};`;
  return `# Matrix Futures: ${serverName}, the gateway on ${addressOf(gateway)}, the homeserver on ${addressOf(homeserver)}.

upstream matrix_gateway { server ${addressOf(gateway)}; }
upstream matrix_homeserver { server ${addressOf(homeserver)}; }

# Where a request goes, by its URL exactly as it came: room ids and tokens are percent-encoded, and names that are
# encoded must not slip through.
map $request_uri $matrix_route {
    default ${front === 'all' ? 'gateway' : 'homeserver'};
${[
  route('nowhere')(patterns.appService),
  route('versions')(patterns.versions),
  ...(front === 'all' ? [patterns.federation].map(route('homeserver')) : []),
  ...(front === 'all' ? [] : [patterns.capabilities, ...patterns.delaying].map(route('gateway'))),
].join('\n')}
}

# Tokens and delay ids are as good as the right to use them, and a query may hold an access token: neither is logged.
map $request_uri $matrix_logged_path {
    "~^([^?]*${patterns.beforeSecret})[^/?]+" "$1***";
    "~^(?<matrix_path>[^?]*)" $matrix_path;
}
log_format matrix '$remote_addr - [$time_local] "$request_method $matrix_logged_path" $status $body_bytes_sent $request_time';

map $http_upgrade $matrix_connection {
    default upgrade;
    "" "";
}

proxy_cache_path /var/cache/nginx/matrix-versions levels=1 keys_zone=matrix_versions:1m max_size=1m inactive=365d;

server {
    server_name ${serverName};
    # Your own lines: listen, ssl_certificate, ssl_certificate_key.

    access_log /var/log/nginx/matrix.log matrix;
    # What nginx itself says of a server that is down has the whole URL in it, and is of the level "error".
    error_log /var/log/nginx/matrix-error.log crit;

    # What goes through a proxy is never sent twice, nor held back as a whole.
    proxy_http_version 1.1;
    proxy_next_upstream off;
    proxy_request_buffering off;
    proxy_buffering off;
    proxy_connect_timeout 5s;
    # Longer than the longest long poll of a client.
    proxy_read_timeout 10m;
    proxy_send_timeout 10m;
    # The homeserver has its own limit for uploads.
    client_max_body_size 0;
    proxy_set_header Host $http_host;
    # What a client says of where it comes from is not passed on.
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $matrix_connection;

    # Other paths of the homeserver (/_synapse/client, /.well-known/matrix) stay as you have them.
    location ~ ^/+_matrix(?:/|$) {
        error_page 470 = @matrix_gateway;
        error_page 471 = @matrix_versions;
        error_page 472 = @matrix_homeserver;
        error_page 473 = @matrix_nowhere;
        recursive_error_pages on;
        if ($matrix_route = gateway) { return 470; }
        if ($matrix_route = versions) { return 471; }
        if ($matrix_route = nowhere) { return 473; }
        return 472;
    }
    location @matrix_homeserver {
        error_page 502 504 = @matrix_away;
        proxy_pass ${schemeOf(homeserver)}://matrix_homeserver$request_uri;
    }
    # When the gateway is down, what is the gateway's is refused. It never goes to the homeserver, which would send at
    # once what is to be sent later.
    location @matrix_gateway {
        error_page 502 504 = @matrix_away;
        proxy_pass ${schemeOf(gateway)}://matrix_gateway$request_uri;
    }
    location @matrix_away {
        if ($request_method = OPTIONS) { return 204; }
        default_type application/json;
${awayHeaders.map(([name, value]) => `        add_header ${name} "${value}" always;`).join('\n')}
        return ${awayStatus} '${awayBody}';
    }
    location @matrix_nowhere {
        default_type application/json;
        return 404 '${unknownPathBody}';
    }

    # Element does not start without /versions. While the gateway restarts, everybody is told what somebody without a
    # login was told last; the mirror asks for that now and then.
    location @matrix_versions {
        error_page 502 503 504 = /matrix-versions-without-login;
        proxy_intercept_errors on;
        mirror /matrix-versions-without-login;
        proxy_pass ${schemeOf(gateway)}://matrix_gateway$request_uri;
    }
    location = /matrix-versions-without-login {
        internal;
        error_page 502 504 = @matrix_away;
        proxy_buffering on;
        proxy_cache matrix_versions;
        proxy_cache_key versions;
        proxy_cache_valid 200 10s;
        proxy_cache_lock on;
        proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;
        proxy_ignore_headers Cache-Control Expires Vary Set-Cookie;
        proxy_method GET;
        proxy_pass_request_body off;
        proxy_set_header Authorization "";
        proxy_set_header Host ${serverName};
        proxy_pass ${schemeOf(gateway)}://matrix_gateway/_matrix/client/versions;
    }
}
`;
}

const schemeOf = ({ isSecure }: Server): string => (isSecure ? 'https' : 'http');

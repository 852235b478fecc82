import { awayBody, awayHeaders, awayStatus, unknownPathBody } from './away.ts';
import { beforeSecret, federation, type Group, ownPaths, sentAtOnce } from './patterns.ts';
import { addressOf, type ProxyRequest, type Server } from './request.ts';

/** For nginx 1.22 or later, to be included in its `http` block: a file of `conf.d` or `sites-enabled`. */
export function nginxConfig({ front, gateway, homeserver, serverName }: ProxyRequest): string {
  const toGateway = `${schemeOf(gateway)}://matrix_gateway`;
  const toHomeserver = `${schemeOf(homeserver)}://matrix_homeserver`;
  const routes = ({ why, regexes }: Group): string =>
    [`    # ${why}`, ...regexes.map((regex) => `    "~${regex}" ${toGateway};`)].join('\n');
  return `# Matrix Futures: ${serverName}, the gateway on ${addressOf(gateway)}, the homeserver on ${addressOf(homeserver)}.

upstream matrix_gateway { server ${addressOf(gateway)}; }
upstream matrix_homeserver { server ${addressOf(homeserver)}; }

# Where a request goes, by path and query as the client wrote them.
map $request_uri $matrix_server {
${
  front === 'all'
    ? `    default ${toGateway};
    "~${federation}" ${toHomeserver};`
    : `    default ${toHomeserver};
${routes(ownPaths)}
${routes(sentAtOnce)}`
}
}

# Tokens and delay ids in paths, and queries, which may hold access tokens, are not logged.
map $request_uri $matrix_logged_path {
    "~^([^?]*${beforeSecret})[^/?]+" "$1***";
    "~^(?<matrix_path>[^?]*)" $matrix_path;
}
log_format matrix '$remote_addr [$time_local] "$request_method $matrix_logged_path" $status $body_bytes_sent';

map $http_upgrade $matrix_connection { default upgrade; "" ""; }
proxy_cache_path /var/cache/nginx/matrix-versions keys_zone=matrix_versions:1m inactive=365d;

server {
    server_name ${serverName};
    # Your own lines: listen, ssl_certificate, ssl_certificate_key.

    access_log /var/log/nginx/matrix.log matrix;
    # Below this level nginx logs whole URLs, when a server is down.
    error_log /var/log/nginx/matrix-error.log crit;

    # Nothing is sent twice, or held back as a whole.
    proxy_http_version 1.1;
    proxy_next_upstream off;
    proxy_request_buffering off;
    proxy_buffering off;
    # Longer than the longest long poll; uploads have the homeserver's own limit.
    proxy_read_timeout 10m;
    client_max_body_size 0;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $matrix_connection;

    # Whoever is down, nothing goes to the other instead: the homeserver would send at once what is to be sent later.
    error_page 502 504 = @matrix_away;
    location /_matrix/ {
        proxy_pass $matrix_server$request_uri;
    }
    # Other paths of the homeserver (/_synapse/client, /.well-known/matrix) stay as you have them.

    location @matrix_away {
        if ($request_method = OPTIONS) { return 204; }
        default_type application/json;
${awayHeaders.map(([name, value]) => `        add_header ${name} "${value}" always;`).join('\n')}
        return ${awayStatus} '${awayBody}';
    }
    # The homeserver tells the gateway of new state there, directly.
    location /_matrix/app/ {
        default_type application/json;
        return 404 '${unknownPathBody}';
    }
    # Element does not start without it. Everybody gets the answer to nobody in particular, also while the gateway restarts.
    location = /_matrix/client/versions {
        set $args "";
        proxy_pass ${toGateway}/_matrix/client/versions;
        proxy_set_header Host $http_host;
        proxy_set_header Authorization "";
        proxy_buffering on;
        proxy_cache matrix_versions;
        proxy_cache_key versions;
        proxy_cache_valid 200 1m;
        proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;
        proxy_ignore_headers Cache-Control Expires Vary Set-Cookie;
    }
}
`;
}

const schemeOf = ({ isSecure }: Server): string => (isSecure ? 'https' : 'http');

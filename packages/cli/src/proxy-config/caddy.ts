import { awayBody, awayHeaders, unknownPathBody } from './away.ts';
import type { Pattern, Patterns } from './patterns.ts';
import { addressOf, type ProxyRequest, urlOf } from './request.ts';

/** For Caddy 2.6 or later: a site of the Caddyfile. */
export function caddyConfig(
  patterns: Patterns,
  { front, gateway, homeserver, serverName }: ProxyRequest,
): string {
  const routed = front === 'all' ? [] : [patterns.capabilities, ...patterns.delaying];
  return `# Matrix Futures: ${serverName}, the gateway on ${addressOf(gateway)}, the homeserver on ${addressOf(homeserver)}.

${serverName} {
	# Where a request goes, by its URL exactly as it came: room ids and tokens are percent-encoded, and names that are
	# encoded must not slip through.
	${matcher('nowhere', [patterns.appService])}
	${matcher('versions', [patterns.versions])}
${front === 'all' ? `	${matcher('federation', [patterns.federation])}` : `	${matcher('futures', routed)}`}

	handle @nowhere {
		header Content-Type application/json
		respond \`${unknownPathBody}\` 404
	}

	# Element does not start without /versions. Caddy keeps no answers: while the gateway restarts, a request waits for it.
	handle @versions {
		reverse_proxy ${urlOf(gateway)} {
			lb_try_duration 15s
			lb_try_interval 250ms
		}
	}

	# When the gateway is down, what is the gateway's is refused. It never goes to the homeserver, which would send at once
	# what is to be sent later.
${
  front === 'all'
    ? `	handle @federation {
		reverse_proxy ${urlOf(homeserver)}
	}
	handle /_matrix/* {
		reverse_proxy ${urlOf(gateway)} {
			flush_interval -1
		}
	}`
    : `	handle @futures {
		reverse_proxy ${urlOf(gateway)}
	}
	handle /_matrix/* {
		reverse_proxy ${urlOf(homeserver)} {
			flush_interval -1
		}
	}`
}
	# Other paths of the homeserver (/_synapse/client, /.well-known/matrix) stay as you have them.

	handle_errors {
		@preflight method OPTIONS
${awayHeaders.map(([name, value]) => `\t\theader ${name} "${value}"`).join('\n')}
		respond @preflight 204
		header Content-Type application/json
		respond \`${awayBody}\`
	}

	# Tokens and delay ids are as good as the right to use them, and a query may hold an access token: neither is logged.
	log {
		output file /var/log/caddy/matrix.log
		format filter {
			wrap json
			fields {
				request>uri regexp "(${patterns.beforeSecret})[^/?]+|[?].*" "$1***"
				request>headers delete
				resp_headers delete
			}
		}
	}
}
`;
}

function matcher(name: string, of: readonly Pattern[]): string {
  const tests = of.map(
    ({ what, regex }) => `\t\t// ${what}\n\t\t{http.request.orig_uri}.matches('${regex}')`,
  );
  return `@${name} expression \`\n${tests.join(' ||\n')}\n\t\``;
}

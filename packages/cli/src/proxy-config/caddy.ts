import { awayBody, awayHeaders, unknownPathBody } from './away.ts';
import { beforeSecret, federation, type Group, ownPaths, sentAtOnce } from './patterns.ts';
import { addressOf, type ProxyRequest, urlOf } from './request.ts';

/** For Caddy 2.6 or later: a site of the Caddyfile. */
export function caddyConfig({ front, gateway, homeserver, serverName }: ProxyRequest): string {
  const groups = front === 'all' ? [] : [ownPaths, sentAtOnce];
  return `# Matrix Futures: ${serverName}, the gateway on ${addressOf(gateway)}, the homeserver on ${addressOf(homeserver)}.

${serverName} {
	# Where a request goes, by path and query as the client wrote them.
${
  front === 'all'
    ? `	@homeserver expression \`${matches(federation)}\``
    : `	@gateway expression \`
${groups.map(alternatives).join(' ||\n')}
	\``
}

	route {
		# The homeserver tells the gateway of new state there, directly.
		handle /_matrix/app/* {
			header Content-Type application/json
			respond \`${unknownPathBody}\` 404
		}
		# Element does not start without it. Caddy keeps no answers: while the gateway restarts, a request waits for it.
		handle /_matrix/client/versions {
			reverse_proxy ${urlOf(gateway)} {
				lb_try_duration 15s
				lb_try_interval 250ms
			}
		}
		# Whoever is down, nothing goes to the other instead: the homeserver would send at once what is to be sent later.
${
  front === 'all'
    ? `		handle @homeserver {
			reverse_proxy ${urlOf(homeserver)}
		}
		handle /_matrix/* {
			reverse_proxy ${urlOf(gateway)} {
				flush_interval -1
			}
		}`
    : `		handle @gateway {
			reverse_proxy ${urlOf(gateway)}
		}
		handle /_matrix/* {
			reverse_proxy ${urlOf(homeserver)} {
				flush_interval -1
			}
		}`
}
	}
	# Other paths of the homeserver (/_synapse/client, /.well-known/matrix) stay as you have them.

	handle_errors {
		@preflight method OPTIONS
${awayHeaders.map(([name, value]) => `\t\theader ${name} "${value}"`).join('\n')}
		respond @preflight 204
		header Content-Type application/json
		respond \`${awayBody}\`
	}

	# Tokens and delay ids in paths, and queries, which may hold access tokens, are not logged.
	log {
		output file /var/log/caddy/matrix.log
		format filter {
			wrap json
			fields {
				request>uri regexp "(${beforeSecret})[^/?]+|[?].*" "$1***"
				request>headers delete
				resp_headers delete
			}
		}
	}
}
`;
}

const matches = (regex: string): string => `{http.request.orig_uri}.matches('${regex}')`;

function alternatives({ why, regexes }: Group): string {
  return `\t\t// ${why}\n${regexes.map((regex) => `\t\t${matches(regex)}`).join(' ||\n')}`;
}

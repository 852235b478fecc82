import type { UpstreamAnswer } from '../upstream/upstream.ts';
import { type Asked, errorCode, inShort, whereAnswered } from './asking.ts';
import { type Check, failed, type Finding, ok } from './check.ts';
import { isFromGateway } from './gateway-header.ts';
import { featuresOf } from './homeserver.ts';

const front = { is: 'What clients reach', flag: '--public-url' } as const;

/** A request that only the gateway may answer. */
export interface Probe {
  readonly method: 'GET' | 'PUT' | 'POST';
  /** path and query as they are sent */
  readonly target: string;
}

/** The token of nobody: with it no request can do anything. */
const token = 'nobodys-token-of-the-doctor';

const ask = (server: Asked, { method, target }: Probe): Promise<UpstreamAnswer> =>
  server.ask({ method, path: target, token, ...(method !== 'GET' && { body: {} }) });

const byTheRules =
  'give the proxy the rules that "matrix-futures proxy-config" prints, before all others of its own';

/** Something listens where `--gateway` says, and it is a gateway. */
export function gatewayAnswers(gateway: Asked): Check {
  return {
    name: 'the gateway answers',
    run: () =>
      whereAnswered(gateway, { is: 'The gateway', flag: '--gateway' }, async () => {
        const answer = await gateway.ask({ method: 'GET', path: '/_matrix/client/versions' });
        return answer.status === 200 && isFromGateway(answer)
          ? ok(`at ${gateway.url}`)
          : failed(
              `${gateway.url} answers ${inShort(answer)}, and not as a gateway`,
              'let --gateway be the address that the gateway listens on',
            );
      }),
  };
}

/** Clients look there first, and keep what they find for as long as they run. */
export function versionsAreAdvertised(publicServer: Asked): Check {
  return {
    name: 'clients are told of futures',
    run: () =>
      whereAnswered(publicServer, front, async () => {
        const answer = await publicServer.ask({ method: 'GET', path: '/_matrix/client/versions' });
        const features = featuresOf(answer.body);
        if (features === null)
          return failed(
            `/versions is answered with ${inShort(answer)}`,
            'let --public-url be what clients use',
          );
        if (!isFromGateway(answer))
          return failed('/versions is answered by the homeserver itself', byTheRules);
        const named = Object.keys(features).filter(
          (name) => features[name] === true && /msc(?:3140|4140)/.test(name),
        );
        return named.length > 0
          ? ok(`/versions has ${named.join(', ')}`)
          : failed('/versions names no generation of futures', 'switch on what clients need: --generations');
      }),
  };
}

/**
 * What schedules, and what manages, comes to the gateway.
 * @param probes of every path and every parameter
 */
export function futuresReachGateway(publicServer: Asked, probes: readonly Probe[]): Check {
  return {
    name: 'futures reach the gateway',
    run: () => whereAnswered(publicServer, front, () => askAll(publicServer, probes, isFromGateway)),
  };
}

/**
 * What schedules reaches no homeserver in some other spelling: it would be sent at once. A spelling that nobody knows,
 * the proxy before or the homeserver behind, does no harm, and neither does one that ends where the gateway is away.
 */
export function noSpellingSlipsBy(publicServer: Asked, probes: readonly Probe[]): Check {
  return {
    name: 'no other spelling slips by the gateway',
    run: () =>
      whereAnswered(publicServer, front, () =>
        askAll(
          publicServer,
          probes,
          (answer) =>
            isFromGateway(answer) ||
            (answer.status >= 400 && answer.status < 500 && !aboutLogin.has(answer.status)) ||
            answer.status >= 502,
        ),
      ),
  };
}

/** Somebody knows the path, and has looked at the token. */
const aboutLogin = new Set([401, 403, 429]);

async function askAll(
  server: Asked,
  probes: readonly Probe[],
  isRight: (answer: UpstreamAnswer) => boolean,
): Promise<Finding> {
  // One at a time: a rate limit would be an answer of another kind.
  for (const [index, probe] of probes.entries()) {
    const answer = await ask(server, probe);
    if (!isRight(answer))
      return failed(
        `${probe.method} ${probe.target} is answered with ${inShort(answer)}, not by the gateway` +
          ` (request ${index + 1} of ${probes.length})`,
        byTheRules,
      );
  }
  return ok(`${probes.length} requests`);
}

/** What has nothing to do with futures is answered by the homeserver, through whatever is between. */
export function plainReachesHomeserver(publicServer: Asked): Check {
  const plain: readonly Probe[] = [
    { method: 'GET', target: '/_matrix/client/v3/account/whoami' },
    { method: 'PUT', target: '/_matrix/client/v3/rooms/!doctor/send/m.room.message/doctor' },
    { method: 'GET', target: '/_matrix/client/v3/joined_rooms' },
  ];
  return {
    name: 'everything else reaches the homeserver',
    run: () =>
      whereAnswered(publicServer, front, async () => {
        for (const probe of plain) {
          const answer = await ask(publicServer, probe);
          if (isFromGateway(answer))
            return failed(
              `${probe.method} ${probe.target} ends at the gateway (${inShort(answer)})`,
              'start the gateway with --front all, or give the proxy the rules of "proxy-config --front paths"',
            );
          if (answer.status !== 401 && errorCode(answer) !== 'M_UNKNOWN_TOKEN')
            return failed(
              `${probe.method} ${probe.target} is answered with ${inShort(answer)}`,
              'have the proxy pass /_matrix/ on to the homeserver',
            );
        }
        return ok(`${plain.length} requests`);
      }),
  };
}

/** Only the homeserver has to reach it, and does so directly. */
export function listenerIsHidden(publicServer: Asked): Check {
  return {
    name: 'the listener is not public',
    run: () =>
      whereAnswered(publicServer, front, async () => {
        const answer = await ask(publicServer, { method: 'POST', target: '/_matrix/app/v1/ping' });
        return isFromGateway(answer)
          ? failed('/_matrix/app can be reached by everybody', 'have the proxy answer 404 to /_matrix/app')
          : ok(`/_matrix/app is answered with ${inShort(answer)}`);
      }),
  };
}

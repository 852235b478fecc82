import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { LoadedRegistrations } from '../registration/load.ts';
import {
  fileOf,
  type Registration,
  type RegistrationName,
  type Registrations,
} from '../registration/registration.ts';
import type { UpstreamAnswer } from '../upstream/upstream.ts';
import { type Asked, errorCode, inShort, whereAnswered } from './asking.ts';
import { type Check, failed, type Finding, ok, unchecked } from './check.ts';
import { homeserver } from './homeserver.ts';

const whoami = Compile(Type.Object({ user_id: Type.String() }));

const userOf = ({ status, body }: UpstreamAnswer): string | null =>
  status === 200 && whoami.Check(body) ? body.user_id : null;

function whoIs(upstream: Asked, { asToken }: Registration, user?: string): Promise<UpstreamAnswer> {
  return upstream.ask({
    method: 'GET',
    path: '/_matrix/client/v3/account/whoami',
    token: asToken,
    ...(user !== undefined && { query: { user_id: user } }),
  });
}

/** Only the homeserver and the gateway may know the tokens. */
export function filesAreSafe({ warnings }: LoadedRegistrations): Check {
  return {
    name: 'the registrations are kept from others',
    run: () =>
      Promise.resolve(
        warnings.length === 0
          ? ok('their owner and group alone can read them')
          : failed('others than their owner and group get at them', warnings.join('; ')),
      ),
  };
}

/** The homeserver knows the `as_token` that the file has. */
export function isLoaded(upstream: Asked, name: RegistrationName, registration: Registration): Check {
  const file = fileOf(name);
  return {
    name: `the homeserver has loaded ${file}`,
    run: () =>
      whereAnswered(upstream, homeserver, async () => {
        const answer = await whoIs(upstream, registration);
        if (answer.status === 429) return unchecked('the homeserver limits the rate of whoami; try again');
        if (userOf(answer) !== null || errorCode(answer) === 'M_FORBIDDEN')
          return ok('it knows the as_token');
        return failed(
          `its as_token is answered with ${inShort(answer)}`,
          `have the homeserver load ${file} as it is now ("matrix-futures registration" says how), and restart it`,
        );
      }),
  };
}

/**
 * The puppet can act as a user.
 * @param user somebody who is registered; null: nobody was named
 */
export function canMasquerade(
  upstream: Asked,
  { puppet, listener }: Registrations,
  user: string | null,
): Check {
  return {
    name: 'the gateway can act as a user',
    run: () =>
      whereAnswered(upstream, homeserver, async () => {
        const server = serverOf(userOf(await whoIs(upstream, listener)));
        if (user === null && server === null)
          return unchecked('say as whom: --user @somebody:server, anybody who is registered');
        const whom = user ?? `@${listener.senderLocalpart}:${server}`;
        const uncovered = judgePattern(puppet, whom);
        if (uncovered !== null) return uncovered;
        return judgeMasquerade(await whoIs(upstream, puppet, whom), whom, user !== null);
      }),
  };
}

const serverOf = (user: string | null): string | null => user?.replace(/^[^:]*:/, '') ?? null;

function judgePattern({ users }: Registration, user: string): Finding | null {
  if (users.some(({ regex }) => matches(regex, user))) return null;
  return failed(
    `the pattern of users in ${fileOf('puppet')} leaves out ${user}`,
    "make the registrations anew with the --server-name that stands in the homeserver's user ids (--rotate)",
  );
}

function matches(regex: string, user: string): boolean {
  try {
    return new RegExp(regex).test(user);
  } catch {
    // Written for the homeserver, in whose language it may well mean something.
    return true;
  }
}

function judgeMasquerade(answer: UpstreamAnswer, user: string, named: boolean): Finding {
  const is = userOf(answer);
  if (is === user) return ok(`as ${user}`);
  if (answer.status === 429) return unchecked('the homeserver limits the rate of whoami; try again');
  if (is !== null)
    return failed(
      `asked as ${user}, the homeserver takes the gateway for ${is}`,
      'it ignores the parameter user_id: let no proxy between gateway and homeserver remove parameters',
    );
  if (!named) return unchecked('say as whom: --user @somebody:server, anybody who is registered');
  return failed(
    `whoami as ${user} is answered with ${inShort(answer)}`,
    `let --user be somebody who is registered; if ${user} is, have the homeserver load ${fileOf('puppet')} anew`,
  );
}

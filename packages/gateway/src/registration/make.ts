import type { Randomness } from '@matrix-futures/engine';
import { stringify } from 'yaml';
import type { RegistrationName } from './registration.ts';

export interface RegistrationOptions {
  /** the homeserver's, as it stands in user ids */
  readonly serverName: string;
  /** where the homeserver reaches the gateway */
  readonly listenerUrl: string;
  /** palpo asks a service without an address for ever: there the puppet has the listener's */
  readonly puppetHasUrl: boolean;
}

/**
 * Writes both registrations anew, as YAML: 256 random bits a token. The ids stay the same whenever they are made, since
 * homeservers keep what they have heard of a service under its id.
 */
export function makeRegistrations(
  { serverName, listenerUrl, puppetHasUrl }: RegistrationOptions,
  randomness: Randomness,
): Readonly<Record<RegistrationName, string>> {
  const token = (): string => Buffer.from(randomness.bytes(32)).toString('hex');
  const registration = (name: RegistrationName, url: string | null, namespaces: object): object => ({
    id: `matrix-futures-${name}`,
    url,
    as_token: token(),
    hs_token: token(),
    // Homeservers give nobody a name that begins with an underscore: whoever had it would be taken for the service.
    sender_localpart: `_matrix-futures-${name}`,
    rate_limited: false,
    namespaces,
  });
  const everyUser = { exclusive: false, regex: `^@.*:${escapeServerName(serverName)}$` };
  const everyRoom = { exclusive: false, regex: '.*' };
  const puppet = registration('puppet', puppetHasUrl ? listenerUrl : null, {
    users: [everyUser],
    aliases: [],
    rooms: [],
  });
  const listener = registration('listener', listenerUrl, { users: [], aliases: [], rooms: [everyRoom] });
  return { puppet: puppetWarning + asYaml(puppet), listener: listenerComment + asYaml(listener) };
}

const puppetWarning = `# Whoever has the as_token of this file can act as every user of the homeserver. Keep it secret.
`;
const listenerComment = `# By this the homeserver tells the gateway of new state. The as_token gives power over one user of its own only.
`;

/** Long lines stay whole: a token that is folded is hard to find again. */
const asYaml = (value: object): string => stringify(value, { lineWidth: 0 });

/**
 * The characters of a server name that mean something in a pattern, for the expressions of Python, Go and Rust alike.
 * Unescaped, a dot would let the puppet act for users of servers with a similar name.
 */
const escapeServerName = (serverName: string): string => serverName.replaceAll(/[.[\]]/g, String.raw`\$&`);

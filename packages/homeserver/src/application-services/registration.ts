import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';

/** What an operator says of an application service (application service API, "Registration"). */
export interface Registration {
  readonly id: string;
  /** where its transactions go, without a slash at the end; null: nothing is pushed to it */
  readonly url: string | null;
  /** the service's key to this server; it may act as every user of its namespaces */
  readonly asToken: string;
  /** this server's key to the service */
  readonly hsToken: string;
  readonly senderLocalpart: string;
  /** false: what it sends for its users is not limited by rate */
  readonly rateLimited: boolean;
  readonly users: readonly Namespace[];
  readonly rooms: readonly Namespace[];
  readonly aliases: readonly Namespace[];
}

/** Ids that a service is concerned with. */
export interface Namespace {
  /** for whole strings */
  readonly pattern: RegExp;
  /** Nobody else may register what it matches. */
  readonly exclusive: boolean;
}

/** The message names the file and what is wrong with it, in one line; it holds no token. */
export class BadRegistration extends Error {
  override readonly name = 'BadRegistration';
}

const Namespaces = Type.Union([
  Type.Null(),
  Type.Array(Type.Object({ regex: Type.String(), exclusive: Type.Boolean() })),
]);
const Token = Type.String({ minLength: 1 });
const RegistrationFile = Type.Object({
  id: Type.String({ minLength: 1 }),
  url: Type.Union([Type.Null(), Type.String()]),
  as_token: Token,
  hs_token: Token,
  sender_localpart: Type.String({ pattern: '^[a-z0-9._=/+-]+$' }),
  rate_limited: Type.Optional(Type.Boolean()),
  namespaces: Type.Object({
    users: Type.Optional(Namespaces),
    rooms: Type.Optional(Namespaces),
    aliases: Type.Optional(Namespaces),
  }),
});
const validator = Compile(RegistrationFile);

/**
 * Reads a registration, as YAML or JSON has been parsed. Keys it does not know are left alone: services write down
 * what other servers want of them, too.
 * @param file for the message
 * @throws BadRegistration
 */
export function parseRegistration(content: unknown, file: string): Registration {
  if (!validator.Check(content)) {
    // Of a member that may be one of two things, the complaint that goes deepest is about the one that was meant.
    const [complaint] = validator
      .Errors(content)
      .toSorted((one, other) => depth(other.instancePath) - depth(one.instancePath));
    const where = complaint?.instancePath.slice(1).replaceAll('/', '.') ?? '';
    throw new BadRegistration(`${file}: ${where === '' ? 'it' : where} ${complaint?.message ?? 'is wrong'}`);
  }
  return {
    id: content.id,
    url: content.url === null ? null : address(content.url, file),
    asToken: content.as_token,
    hsToken: content.hs_token,
    senderLocalpart: content.sender_localpart,
    rateLimited: content.rate_limited ?? true,
    users: namespaces('users', content.namespaces.users, file),
    rooms: namespaces('rooms', content.namespaces.rooms, file),
    aliases: namespaces('aliases', content.namespaces.aliases, file),
  };
}

const depth = (path: string): number => path.split('/').length;

function address(url: string, file: string): string {
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url.replace(/\/+$/, '');
  throw new BadRegistration(`${file}: url must be a web address, as in http://127.0.0.1:9000, or null`);
}

function namespaces(
  kind: 'users' | 'rooms' | 'aliases',
  given: Static<typeof Namespaces> | undefined,
  file: string,
): readonly Namespace[] {
  return (given ?? []).map(({ regex, exclusive }, index) => {
    try {
      return { pattern: new RegExp(`^(?:${regex})$`), exclusive };
    } catch {
      throw new BadRegistration(`${file}: namespaces.${kind}.${index}.regex must be a regular expression`);
    }
  });
}

import Type from 'typebox';

/**
 * The two application services (application service specification, "Registration") that a homeserver is told of. Two,
 * because one with power over users and an address of its own would be asked by homeservers about every one of those
 * users (Synapse, Dendrite, tuwunel and continuwuity each in their way).
 */
export interface Registrations {
  /** acts as any user of the server */
  readonly puppet: Registration;
  /** hears of new state */
  readonly listener: Registration;
}

/** One of the two, as the gateway needs it. */
export interface Registration {
  readonly id: string;
  /** where the homeserver reaches the gateway, without a slash at its end; null: it is not to call */
  readonly url: string | null;
  /** what the gateway shows to the homeserver */
  readonly asToken: string;
  /** what the homeserver shows to the gateway */
  readonly hsToken: string;
  /** the service's own user, without server name */
  readonly senderLocalpart: string;
  readonly users: readonly Namespace[];
  readonly rooms: readonly Namespace[];
}

/** Ids that a service is concerned with (application service API, "Registration"). */
export interface Namespace {
  readonly exclusive: boolean;
  readonly regex: string;
}

export const registrationNames = ['puppet', 'listener'] as const;
export type RegistrationName = (typeof registrationNames)[number];

/** The name of a registration's file in its directory. */
export const fileOf = (name: RegistrationName): string => `${name}.yaml`;

const namespaces = Type.Array(
  Type.Object({ exclusive: Type.Boolean(), regex: Type.String({ minLength: 1, maxLength: 1_000 }) }),
  { maxItems: 100 },
);

/** A token that can stand in a header, and is too long to be guessed. */
const token = Type.String({ pattern: '^[!-~]{16,500}$' });

/** A registration as its file has it. What is not named here is the homeserver's affair. */
export const registrationSchema = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 255 }),
  url: Type.Union([Type.Null(), Type.String({ pattern: '^https?://[^\\s?#]+$' })]),
  as_token: token,
  hs_token: token,
  sender_localpart: Type.String({ pattern: '^[!-9;-~]{1,255}$' }),
  namespaces: Type.Object({ users: Type.Optional(namespaces), rooms: Type.Optional(namespaces) }),
});

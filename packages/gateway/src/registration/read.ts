import { Compile } from 'typebox/compile';
import { parse } from 'yaml';
import {
  fileOf,
  type Registration,
  type RegistrationName,
  registrationSchema,
  type Registrations,
} from './registration.ts';

/** A registration that cannot be used; the message names file and key, and nothing of what is secret. */
export class RegistrationError extends Error {
  override readonly name = 'RegistrationError';

  static in(name: RegistrationName, key: string, message: string): RegistrationError {
    return new RegistrationError(`${fileOf(name)}: ${key} ${message}`);
  }
}

const validator = Compile(registrationSchema);

/**
 * Reads both registrations.
 * @param texts what is in the files
 * @throws RegistrationError
 */
export function readRegistrations(texts: Readonly<Record<RegistrationName, string>>): Registrations {
  const puppet = readOne('puppet', texts.puppet);
  const listener = readOne('listener', texts.listener);
  const wrong = RegistrationError.in;
  if (puppet.users.length === 0)
    throw wrong('puppet', 'namespaces.users', 'is empty: there is nobody that the gateway could act for');
  if (listener.rooms.length === 0)
    throw wrong('listener', 'namespaces.rooms', 'is empty: there is nothing that the gateway would hear of');
  if (listener.url === null)
    throw wrong(
      'listener',
      'url',
      'is null: it must be the web address at which the homeserver reaches the gateway',
    );
  if (listener.id === puppet.id) throw wrong('listener', 'id', "must be another than the puppet's");
  const tokens = [puppet.asToken, puppet.hsToken, listener.asToken, listener.hsToken];
  if (new Set(tokens).size < tokens.length)
    throw wrong('listener', 'as_token', "and hs_token must differ from one another and from the puppet's");
  return { puppet, listener };
}

function readOne(name: RegistrationName, text: string): Registration {
  const value = parseYaml(name, text);
  if (!validator.Check(value)) throw complaint(name, value);
  return {
    id: value.id,
    url: value.url?.replace(/\/+$/, '') ?? null,
    asToken: value.as_token,
    hsToken: value.hs_token,
    senderLocalpart: value.sender_localpart,
    users: value.namespaces.users ?? [],
    rooms: value.namespaces.rooms ?? [],
  };
}

function parseYaml(name: RegistrationName, text: string): unknown {
  try {
    // The pretty form of an error shows the lines around it, and with them the tokens.
    return parse(text, { prettyErrors: false });
  } catch (error) {
    throw new RegistrationError(`${fileOf(name)} is not YAML`, { cause: error });
  }
}

const shapes: Readonly<Record<string, string>> = {
  url: 'must be null, or a web address as in http://127.0.0.1:8008',
  as_token: 'must be 16 to 500 characters without spaces',
  hs_token: 'must be 16 to 500 characters without spaces',
  sender_localpart: 'must be the part of a user id before the colon, without @',
};

function complaint(name: RegistrationName, value: unknown): RegistrationError {
  const [first] = validator.Errors(value);
  if (first === undefined || (first.instancePath === '' && first.keyword !== 'required'))
    return new RegistrationError(`${fileOf(name)} is not a registration of an application service`);
  const path = first.instancePath.split('/').slice(1);
  if (first.keyword === 'required')
    return RegistrationError.in(name, [...path, first.params.requiredProperties[0]].join('.'), 'is missing');
  const [key = ''] = path;
  return RegistrationError.in(name, path.join('.'), shapes[key] ?? first.message);
}

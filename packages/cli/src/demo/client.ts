import { Type, type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';

/** One request of the client-server API. Throws what the server said when it is not what was expected. */
export async function request<S extends TSchema>(
  at: { readonly url: string; readonly accessToken?: string },
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  schema: S,
  body?: object,
): Promise<Static<S>> {
  const response = await fetch(`${at.url}/_matrix/client/${path}`, {
    method,
    headers: at.accessToken === undefined ? {} : { Authorization: `Bearer ${at.accessToken}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return Value.Parse(schema, answer);
}

export const anything = Type.Object({});

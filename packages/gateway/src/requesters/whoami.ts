import { HomeserverUnavailable, type Ms } from '@matrix-futures/engine';
import { type Asking, AuthenticationUnavailable, MatrixError, type Query } from '@matrix-futures/http';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { readError } from '../delivery/answer-error.ts';
import type { HomeserverKind } from '../kinds/kind.ts';
import type { Upstream, UpstreamAnswer } from '../upstream/upstream.ts';

const patience: Ms = 10_000;

const whoami = Compile(
  Type.Object({
    user_id: Type.String(),
    device_id: Type.Optional(Type.String()),
    is_guest: Type.Optional(Type.Boolean()),
  }),
);
const errorBody = Compile(Type.Record(Type.String(), Type.Unknown()));

/** Whom the homeserver takes somebody for. */
export interface Found {
  readonly user: string;
  readonly device: string | null;
  readonly isGuest: boolean;
}

/**
 * Asks the homeserver who it takes the owner of an access token for.
 * @param kind what is known of it by the time of its answer
 * @returns or its refusal, in its own words
 * @throws AuthenticationUnavailable it does not say
 */
export async function askWhoami(
  upstream: Upstream,
  kind: () => HomeserverKind,
  accessToken: string,
  asking: Asking,
): Promise<Found | MatrixError> {
  return read(await ask(upstream, accessToken, asking), kind());
}

async function ask(
  upstream: Upstream,
  accessToken: string,
  { headers, address, query }: Asking,
): Promise<UpstreamAnswer> {
  const before = headers['x-forwarded-for'];
  const agent = headers['user-agent'];
  try {
    return await upstream.ask({
      method: 'GET',
      path: '/_matrix/client/v3/account/whoami',
      query: actingAs(query),
      token: accessToken,
      // It writes down where a device was last seen.
      headers: {
        'X-Forwarded-For': before === undefined ? address : `${String(before)}, ${address}`,
        ...(agent !== undefined && { 'User-Agent': agent }),
      },
      limit: patience,
    });
  } catch (error) {
    if (error instanceof HomeserverUnavailable)
      throw new AuthenticationUnavailable('The homeserver cannot be asked who this is; try again');
    throw error;
  }
}

/** Application services name who they act for: it is part of who is asking. */
export function actingAs({ values }: Query): Readonly<Record<string, string>> {
  const names = ['user_id', 'device_id', 'org.matrix.msc3202.device_id'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = values.get(name)?.[0];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

function read(answer: UpstreamAnswer, { serviceDevice }: HomeserverKind): Found | MatrixError {
  const { status, body } = answer;
  if (status === 200 && whoami.Check(body)) {
    const { user_id: user, device_id: device = null, is_guest: isGuest = false } = body;
    return { user, device: device === serviceDevice ? null : device, isGuest };
  }
  const { errcode, error } = readError(answer);
  if ((status !== 401 && status !== 403) || errcode === null || !errorBody.Check(body))
    throw new AuthenticationUnavailable(
      `The homeserver cannot say who this is (it answered ${status}); try again`,
    );
  return new MatrixError({ status, errcode }, error, fieldsOf(body));
}

/** `soft_logout` above all. */
function fieldsOf(body: Record<string, unknown>): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(body).flatMap(([key, value]) =>
      key !== 'errcode' &&
      key !== 'error' &&
      (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
        ? [[key, value] as const]
        : [],
    ),
  );
}

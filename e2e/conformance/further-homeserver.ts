import { createHmac } from 'node:crypto';
import type { Login, RemoteUnderTest } from '@matrix-futures/engine/conformance';
import { loadRegistrations } from '@matrix-futures/gateway';
import type { Answer } from '../client-api.ts';
import { connectGateway } from './gateway-connection.ts';

/** A homeserver that somebody set up and started, as the environment names it. */
export interface FurtherHomeserver {
  /** of its client-server API, without `/_matrix` */
  readonly url: string;
  /** where the two files are that `matrix-futures registration` made, which it has loaded */
  readonly registration: string;
  /** It registers users by a shared secret; null: not needed */
  readonly sharedSecret: string | null;
  /** It registers users who show a registration token; null: not needed */
  readonly registrationToken: string | null;
}

/** null: the environment names none */
export function furtherHomeserver(env: NodeJS.ProcessEnv): FurtherHomeserver | null {
  const { MATRIX_FUTURES_TEST_UPSTREAM: url, MATRIX_FUTURES_TEST_REGISTRATION: registration } = env;
  if (url === undefined || registration === undefined) return null;
  return {
    url: url.replace(/\/+$/, ''),
    registration,
    sharedSecret: env['MATRIX_FUTURES_TEST_SHARED_SECRET'] ?? null,
    registrationToken: env['MATRIX_FUTURES_TEST_REGISTRATION_TOKEN'] ?? null,
  };
}

export async function openFurther(further: FurtherHomeserver): Promise<RemoteUnderTest> {
  const { url } = further;
  const { registrations } = await loadRegistrations(further.registration);
  const { body: versions } = await request(url, 'GET', '/_matrix/client/versions');
  const { body: about } = await request(url, 'GET', '/_matrix/federation/v1/version');
  return {
    kind: 'remote',
    url,
    sticks: versions.unstable_features?.['org.matrix.msc4354'] === true,
    makesUsers: String(about.server?.name).toLowerCase() === 'palpo',
    restart: null,
    register: (name, password) => register(further, name, password ?? 'correct horse battery'),
    connect: (to = {}) =>
      connectGateway({ url: to.url ?? url, token: to.token, takenFor: null, registrations }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function register(
  { url, sharedSecret, registrationToken }: FurtherHomeserver,
  username: string,
  password: string,
): Promise<Login> {
  const { status, body } =
    sharedSecret === null
      ? await registerInteractively(url, username, password, registrationToken)
      : await registerBySecret(url, username, password, sharedSecret);
  if (status !== 200) throw new Error(`${username} could not register: ${status} ${JSON.stringify(body)}`);
  return { user: body.user_id, token: body.access_token };
}

/** Client-server specification, "User-interactive authentication": one stage after the other. */
async function registerInteractively(
  url: string,
  username: string,
  password: string,
  token: string | null,
): Promise<Answer> {
  const stages = token === null ? ['m.login.dummy'] : ['m.login.registration_token', 'm.login.dummy'];
  const ask = (auth?: object): Promise<Answer> =>
    request(url, 'POST', '/_matrix/client/v3/register', { username, password, ...(auth && { auth }) });
  let answer = await ask();
  for (const type of stages) {
    if (answer.status !== 401) return answer;
    const { session } = answer.body;
    answer = await ask({ type, session, ...(type === 'm.login.registration_token' && { token }) });
  }
  return answer;
}

/** As Synapse has it, and others after it. */
async function registerBySecret(
  url: string,
  username: string,
  password: string,
  secret: string,
): Promise<Answer> {
  const path = '/_synapse/admin/v1/register';
  const { nonce } = (await request(url, 'GET', path)).body;
  const mac = createHmac('sha1', secret).update(`${nonce}\0${username}\0${password}\0notadmin`).digest('hex');
  return request(url, 'POST', path, { nonce, username, password, admin: false, mac });
}

async function request(url: string, method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json().catch(() => ({})) };
}

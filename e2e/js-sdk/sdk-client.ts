import {
  ClientEvent,
  createClient,
  type ICreateClientOpts,
  type MatrixClient,
  type MatrixEvent,
  MemoryStore,
  type Room,
} from 'matrix-js-sdk';
import { until } from './signal.ts';

// It says a hundred lines a second, by several loggers that take no advice, but all by way of the console.
if (process.env['SDK_LOG'] === undefined)
  for (const level of ['debug', 'info', 'log', 'warn', 'error', 'trace'] as const) console[level] = () => {};

/** A client as applications make one; it sends nothing yet. */
export const sdkClient = (options: ICreateClientOpts): MatrixClient =>
  createClient({ store: new MemoryStore(), timelineSupport: true, ...options });

export const password = 'correct horse battery';

/** Who a client is logged in as, and where. */
export interface Login {
  readonly baseUrl: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly accessToken: string;
}

/** An account of that name, made now, without a login of its own. */
export async function register(baseUrl: string, username: string): Promise<void> {
  const auth = { type: 'm.login.dummy' };
  await sdkClient({ baseUrl }).registerRequest({ username, password, auth, inhibit_login: true });
}

/** A new device of that user. */
export async function logIn(baseUrl: string, username: string, secret = password): Promise<Login> {
  const { user_id, device_id, access_token } = await sdkClient({ baseUrl }).loginRequest({
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: username },
    password: secret,
  });
  return { baseUrl, userId: user_id, deviceId: device_id, accessToken: access_token };
}

/** A client that has done its first sync and goes on syncing; who asks for it stops it. */
export async function start(login: Login): Promise<MatrixClient> {
  const client = sdkClient({ ...login });
  await client.startClient();
  await until(client, ClientEvent.Sync, () => client.isInitialSyncComplete(), 'the first sync');
  return client;
}

/** A new user's client, syncing. */
export async function signUp(baseUrl: string, username: string): Promise<MatrixClient> {
  await register(baseUrl, username);
  return start(await logIn(baseUrl, username));
}

/** The room, as soon as the client is in it. */
export const joined = (client: MatrixClient, roomId: string): Promise<Room> =>
  until(
    client,
    ClientEvent.Sync,
    () => {
      const room = client.getRoom(roomId) ?? undefined;
      return room?.getMyMembership() === 'join' && room;
    },
    `to be in ${roomId}`,
  );

/** The event, as soon as the client's timeline has it. */
export const seen = (client: MatrixClient, roomId: string, eventId: string): Promise<MatrixEvent> =>
  until(
    client,
    ClientEvent.Sync,
    () => client.getRoom(roomId)?.findEventById(eventId),
    `${eventId} in the timeline`,
  );

/** A room made by the first, with the others in it; everybody sees everybody there. */
export async function makeRoom(
  [creator, ...others]: readonly [MatrixClient, ...MatrixClient[]],
  options: Parameters<MatrixClient['createRoom']>[0] = {},
): Promise<string> {
  const { room_id } = await creator.createRoom({
    ...options,
    invite: others.map((client) => client.getSafeUserId()),
  });
  for (const client of others) await client.joinRoom(room_id);
  for (const client of [creator, ...others])
    await until(
      client,
      ClientEvent.Sync,
      () => client.getRoom(room_id)?.getJoinedMemberCount() === others.length + 1,
      'everybody in the room',
    );
  return room_id;
}

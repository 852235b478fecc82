import { randomUUID } from 'node:crypto';
import { ClientApi } from '../client-api.ts';
import { Observer } from '../kill/observer.ts';
import { type GatewayInFront, startGatewayInFront } from './gateway-process.ts';
import type { RunningUpstream, Upstream } from './upstreams.ts';

/** Alice, whose futures they are, and Bob, who looks on, on a homeserver with a gateway in front of it. */
export interface World extends AsyncDisposable {
  readonly front: GatewayInFront;
  /** Alice and Bob, asking the homeserver itself */
  readonly alice: ClientApi;
  readonly bob: ClientApi;
  readonly aliceId: string;
  /** Alice, asking the gateway */
  readonly client: ClientApi;
  /** Somebody without a login, asking the gateway */
  readonly delegate: ClientApi;
  /** what Bob's sync tells, over restarts of the homeserver too */
  readonly observer: Observer;
}

export async function startWorld(upstream: Upstream, flags: readonly string[] = []): Promise<World> {
  await using opened = new AsyncDisposableStack();
  const front = opened.use(await startGatewayInFront(upstream, flags));
  const [alice, bob] = [await register(front.upstream, 'alice'), await register(front.upstream, 'bob')];
  const observer = new Observer(front.upstream.url, String(bob.token));
  opened.defer(() => observer.stop());
  const { body } = await alice.request('GET', '/v3/account/whoami');
  const all = opened.move();
  return {
    ...{ front, alice, bob, observer },
    aliceId: body.user_id,
    client: new ClientApi(front.gateway.url, alice.token),
    delegate: new ClientApi(front.gateway.url),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** A user whom no run of the tests before has registered. */
export function register(homeserver: RunningUpstream, name: string): Promise<ClientApi> {
  return homeserver.register(`${name}-${randomUUID().slice(0, 8)}`);
}

/** Path of a room of Bob's with Alice in it, where both may set state, after `/_matrix/client`. */
export async function newRoom({ alice, bob }: Pick<World, 'alice' | 'bob'>): Promise<string> {
  const made = await bob.request('POST', '/v3/createRoom', {
    preset: 'public_chat',
    power_level_content_override: { events: { 'org.example.call': 0 } },
  });
  if (made.status !== 200) throw new Error(`no room: ${JSON.stringify(made)}`);
  const path = roomPath(made.body.room_id);
  await join(alice, path);
  return path;
}

export async function join(user: ClientApi, room: string): Promise<void> {
  const { status, body } = await user.request('POST', `${room}/join`, {});
  if (status !== 200) throw new Error(`could not join: ${status} ${JSON.stringify(body)}`);
}

export function roomPath(room: string): string {
  return `/v3/rooms/${encodeURIComponent(room)}`;
}

/** Of a path as `newRoom` answers it. */
export function roomIdIn(path: string): string {
  return decodeURIComponent(path.split('/')[3] ?? '');
}

export interface RoomEvent {
  readonly event_id: string;
  readonly sender: string;
  readonly type: string;
  readonly state_key?: string;
  readonly origin_server_ts: number;
  readonly content: Readonly<Record<string, unknown>>;
}

/** All events of a room as a member reads them, oldest first. */
export async function historyOf(member: ClientApi, room: string): Promise<readonly RoomEvent[]> {
  const events: RoomEvent[] = [];
  let from = '';
  do {
    const { status, body } = await member.request('GET', `${room}/messages?dir=b&limit=100${from}`);
    if (status !== 200) throw new Error(`/messages: ${status} ${JSON.stringify(body)}`);
    events.push(...body.chunk);
    from = body.end === undefined ? '' : `&from=${encodeURIComponent(body.end)}`;
  } while (from !== '');
  return events.toReversed();
}

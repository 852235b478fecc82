import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, ClientApi } from '../../client-api.ts';
import { type Synapse, startSynapse } from '../synapse.ts';
import { Listener } from './listener.ts';

/** The name that the servers of these tests have. */
const serverName = 'localhost';

/**
 * A Synapse with the two application services of a gateway: the puppet, which acts for every user and hears nothing,
 * and the listener, which hears of everything and acts for nobody.
 */
export class World implements AsyncDisposable {
  readonly synapse: Synapse;
  readonly listener: Listener;
  /** without `user_id`: the service's own user */
  readonly puppet: ClientApi;
  /** the listener, asking */
  readonly listenerService: ClientApi;
  readonly alice: ClientApi;
  readonly bob: ClientApi;
  /** path of a public room that Alice made and Bob is in, after `/_matrix/client` */
  readonly room: string;
  readonly #stack: AsyncDisposable;

  private constructor(
    stack: AsyncDisposable,
    running: Pick<World, 'synapse' | 'listener' | 'alice' | 'bob' | 'room'>,
  ) {
    this.#stack = stack;
    this.synapse = running.synapse;
    this.listener = running.listener;
    this.alice = running.alice;
    this.bob = running.bob;
    this.room = running.room;
    this.puppet = new ClientApi(running.synapse.url, 'as-token-of-puppet');
    this.listenerService = new ClientApi(running.synapse.url, 'as-token-of-listener');
  }

  static async start(): Promise<World> {
    await using stack = new AsyncDisposableStack();
    const listener = stack.use(new Listener());
    const directory = await mkdtemp(join(tmpdir(), 'registrations-'));
    stack.defer(() => rm(directory, { recursive: true }));
    const registrations = await writeRegistrations(directory, await listener.listen());
    const synapse = stack.use(await startSynapse({ registrations, serverName }));
    const [alice, bob] = await Promise.all(
      ['alice', 'bob'].map((name) => new ClientApi(synapse.url).register(name)),
    );
    if (alice === undefined || bob === undefined) throw new Error('nobody there');
    const room = await publicRoom(alice);
    await bob.request('POST', `${room}/join`, {});
    return new World(stack.move(), { synapse, listener, alice, bob, room });
  }

  /**
   * What the puppet asks as a user, registered or not.
   * @param user the local part of their id
   * @param path after `/_matrix/client`, with or without a query
   */
  as(user: string, method: string, path: string, body?: unknown): Promise<Answer> {
    const query = `user_id=${encodeURIComponent(userId(user))}`;
    return this.puppet.request(method, `${path}${path.includes('?') ? '&' : '?'}${query}`, body);
  }

  /** Registers a user who joins `room`. */
  async member(name: string): Promise<ClientApi> {
    const member = await new ClientApi(this.synapse.url).register(name);
    await member.request('POST', `${this.room}/join`, {});
    return member;
  }

  /** An event as the puppet reads it as that user. */
  event(user: string, eventId: string): Promise<Answer> {
    return this.as(user, 'GET', `${this.room}/event/${encodeURIComponent(eventId)}`);
  }

  /** The latest 50 messages of a sender, as the puppet reads them as `reader`, newest first. */
  async messagesOf(sender: string, reader: string): Promise<Answer> {
    return this.as(reader, 'GET', `${this.room}/messages?dir=b&limit=50&filter=${messageFilter(sender)}`);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#stack[Symbol.asyncDispose]();
  }
}

export function userId(name: string): string {
  return `@${name}:${serverName}`;
}

/** Path, after `/_matrix/client`, of the state of a member. */
export function membership(room: string, name: string): string {
  return `${room}/state/m.room.member/${encodeURIComponent(userId(name))}`;
}

export function message(body: string): { msgtype: 'm.text'; body: string } {
  return { msgtype: 'm.text', body };
}

/** The filter of `/messages`, as it stands in a query. */
export function messageFilter(sender: string): string {
  return encodeURIComponent(JSON.stringify({ senders: [userId(sender)], types: ['m.room.message'] }));
}

/** Path of a new room that everybody may join, after `/_matrix/client`. */
export async function publicRoom(creator: ClientApi, version?: string): Promise<string> {
  const { status, body } = await creator.request('POST', '/v3/createRoom', {
    preset: 'public_chat',
    ...(version === undefined ? {} : { room_version: version }),
  });
  if (status !== 200) throw new Error(`no room: ${JSON.stringify(body)}`);
  return `/v3/rooms/${encodeURIComponent(body.room_id)}`;
}

async function writeRegistrations(directory: string, listenerUrl: string): Promise<string[]> {
  const services = [
    { id: 'puppet', url: null, namespaces: { users: [{ regex: `^@.*:${serverName}$`, exclusive: false }] } },
    { id: 'listener', url: listenerUrl, namespaces: { rooms: [{ regex: '.*', exclusive: false }] } },
  ];
  return Promise.all(
    services.map(async (service) => {
      const path = join(directory, `${service.id}.yaml`);
      const registration = {
        ...service,
        as_token: `as-token-of-${service.id}`,
        hs_token: `hs-token-of-${service.id}`,
        sender_localpart: `_${service.id}`,
        rate_limited: false,
      };
      await writeFile(path, JSON.stringify(registration));
      return path;
    }),
  );
}

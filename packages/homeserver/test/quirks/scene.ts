import type { Quirks } from '@matrix-futures/homeserver';
import { openDatabase } from '@matrix-futures/sqlite';
import { gatewayRegistrations, startService, type Service } from '../application-services/service.ts';
import { manualTime } from '../server/manual-clock.ts';
import { expectOk, startServer, type Reply, type TestServer, type User } from '../server/server.ts';
import { SceneTimers } from './scene-timers.ts';

/** A homeserver with one quirk or none, two users in a room, a puppet who acts as them, and a listener. */
export interface Scene extends AsyncDisposable {
  readonly server: TestServer;
  readonly service: Service;
  readonly timers: SceneTimers;
  readonly alice: User;
  readonly bob: User;
  /** alice's, with bob in it */
  readonly room: string;
  /** asks as the puppet, who acts as the user; paths are below `/_matrix/client/v3` */
  puppet(as: string, method: 'GET' | 'PUT', path: string, body?: object): Promise<Reply>;
  /** asks as whoever has the token, of the server as it runs now */
  as(token: string, method: 'GET' | 'PUT' | 'POST', path: string, body?: object): Promise<Reply>;
  /** the puppet sends a text as the user, and gets the event's id, or what was answered instead */
  send(as: User, txn: string, query?: string): Promise<unknown>;
  /** Ends the server at once, and starts it again with the same data. */
  restart(): Promise<void>;
  /** Resolves when the listener has heard an event that fits. */
  heard(isIt: (event: any) => boolean): Promise<void>;
}

export const roomPath = (room: string, rest: string): string => `/rooms/${encodeURIComponent(room)}${rest}`;

export const text = { msgtype: 'm.text', body: 'hello' };

export async function openScene(quirks: Partial<Quirks>): Promise<Scene> {
  const database = openDatabase({ path: ':memory:', timers: manualTime() });
  const service = await startService();
  const timers = new SceneTimers();
  const start = async (): Promise<TestServer> => {
    const applicationServices = gatewayRegistrations(service.url);
    const started = await startServer({ database, timers, applicationServices, quirks });
    started.homeserver.startPushing();
    return started;
  };
  let server = await start();
  const alice = await server.user('alice', 'password of alice');
  const bob = await server.user('bob');
  const room = await alice.room({ preset: 'public_chat', room_version: '12' });
  await bob.join(room);

  const as: Scene['as'] = (token, method, path, body) =>
    server.call(method, `/_matrix/client/v3${path}`, { token, ...(body !== undefined && { body }) });
  const puppet: Scene['puppet'] = (user, method, path, body) => {
    const url = new URL(`http://x${path}`);
    url.searchParams.set('user_id', user);
    return as('as-puppet', method, `${url.pathname}${url.search}`, body);
  };
  const heard: Scene['heard'] = (isIt) => service.until(() => service.events.some(isIt));
  await heard(({ sender, type }) => sender === bob.id && type === 'm.room.member');
  return {
    get server() {
      return server;
    },
    service,
    timers,
    alice,
    bob,
    room,
    as,
    puppet,
    heard,
    async send(user, txn, query = '') {
      const path = roomPath(room, `/send/m.room.message/${txn}${query}`);
      const { status, body } = await puppet(user.id, 'PUT', path, text);
      return status === 200 ? body.event_id : `${status} ${body.errcode}`;
    },
    async restart() {
      await server[Symbol.asyncDispose]();
      server = await start();
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
      database.close();
    },
  };
}

/** Status, and the code of an error. */
export function outcome({ status, body }: Reply): string {
  return status === 200 ? '200' : `${status} ${body.errcode}`;
}

export async function stateOf(scene: Scene, user: User, room: string, rest: string): Promise<any> {
  return expectOk(await user.get(roomPath(room, `/state/${rest}`)));
}

import { createHash } from 'node:crypto';
import { createServer, type Server } from '@matrix-futures/http';
import { openDatabase, type Database } from '@matrix-futures/sqlite';
import {
  openHomeserver,
  translateStorageError,
  type EmbeddedHomeserver,
  type HomeserverOptions,
} from '@matrix-futures/homeserver';
import { manualTime, type ManualTime } from './manual-clock.ts';
import { requireConformance } from './specification.ts';

export interface Reply {
  readonly status: number;
  readonly body: any;
  readonly headers: { readonly [name: string]: unknown };
}

export interface Request {
  readonly token?: string;
  readonly body?: object | string;
}

/** A user who is logged in; paths are below `/_matrix/client/v3`. */
export interface User {
  readonly id: string;
  readonly device: string;
  readonly token: string;
  get(path: string): Promise<Reply>;
  put(path: string, body?: object | string): Promise<Reply>;
  post(path: string, body?: object | string): Promise<Reply>;
  delete(path: string, body?: object): Promise<Reply>;
  /** creates a room and answers its id */
  room(request?: object): Promise<string>;
  /** joins */
  join(room: string): Promise<void>;
  /** sends a text and answers the event's id */
  say(room: string, text: string): Promise<string>;
}

export interface TestServer extends AsyncDisposable {
  readonly time: ManualTime;
  readonly database: Database;
  readonly homeserver: EmbeddedHomeserver;
  readonly http: Server;
  call(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, request?: Request): Promise<Reply>;
  /** registers, without a password unless one is given */
  user(name: string, password?: string): Promise<User>;
  /** another login of that user */
  login(name: string, password: string, device?: string): Promise<User>;
}

/** A homeserver on a database in memory, asked without sockets; every answer is held against the specification. */
export async function startServer(options: Partial<HomeserverOptions> = {}): Promise<TestServer> {
  const time = manualTime();
  const database = options.database ?? openDatabase({ path: ':memory:', timers: time });
  const homeserver = await openHomeserver({
    database,
    clock: time,
    timers: time,
    randomness: seededRandomness(),
    serverName: 'test',
    openRegistration: true,
    registrationSharedSecret: null,
    defaultRoomVersion: '12',
    rateLimits: false,
    publicUrl: null,
    features: () => ({}),
    capabilities: () => ({}),
    ...options,
  });
  const { endpoints, authenticate } = homeserver;
  const http = await createServer({
    endpoints,
    authenticate,
    timers: time,
    translate: translateStorageError,
  });

  const call: TestServer['call'] = async (method, path, { token, body } = {}) => {
    const response = await http.inject({
      method,
      url: path,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const answer = { status: response.statusCode, body: response.json(), headers: response.headers };
    requireConformance(method, path.split('?')[0] ?? '', answer.status, answer.body);
    return answer;
  };

  const userOf = (login: { user_id: string; access_token: string; device_id: string }): User => {
    const { user_id: id, access_token: token, device_id: device } = login;
    const ask = (method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: object | string) =>
      call(method, `/_matrix/client/v3${path}`, { token, ...(body !== undefined && { body }) });
    let sent = 0;
    const user: User = {
      id,
      token,
      device,
      get: (path) => ask('GET', path),
      put: (path, body = {}) => ask('PUT', path, body),
      post: (path, body = {}) => ask('POST', path, body),
      delete: (path, body) => ask('DELETE', path, body),
      room: async (request = {}) => expectOk(await user.post('/createRoom', request)).room_id,
      join: async (room) => void expectOk(await user.post(`/join/${encodeURIComponent(room)}`)),
      say: async (room, text) => {
        const path = `/rooms/${encodeURIComponent(room)}/send/m.room.message/say${(sent += 1)}`;
        return expectOk(await user.put(path, { msgtype: 'm.text', body: text })).event_id;
      },
    };
    return user;
  };

  return {
    time,
    database,
    homeserver,
    http,
    call,
    async user(username, password) {
      const body = { auth: { type: 'm.login.dummy' }, username, ...(password !== undefined && { password }) };
      return userOf(expectOk(await call('POST', '/_matrix/client/v3/register', { body })));
    },
    async login(name, password, device) {
      const body = {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: name },
        password,
        ...(device !== undefined && { device_id: device }),
      };
      return userOf(expectOk(await call('POST', '/_matrix/client/v3/login', { body })));
    },
    async [Symbol.asyncDispose]() {
      homeserver.endPolls();
      await homeserver.stopPushing();
      await http.close();
      if (options.database === undefined) database.close();
    },
  };
}

/** The body of an answer that must be a success. */
export function expectOk({ status, body }: Reply): Reply['body'] {
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}

/** The same keys, ids and tokens in every run. */
function seededRandomness(): HomeserverOptions['randomness'] {
  let count = 0;
  return {
    bytes(length) {
      count += 1;
      return createHash('shake256', { outputLength: length }).update(`seed ${count}`).digest();
    },
  };
}

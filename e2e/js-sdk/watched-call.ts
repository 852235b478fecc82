// oxlint-disable eslint/no-underscore-dangle -- names of the SDK
import { type MatrixClient, type MatrixEvent, MsgType, RoomStateEvent } from 'matrix-js-sdk';
import type { JoinSessionConfig, MatrixRTCSession } from 'matrix-js-sdk/lib/matrixrtc/index.js';
import { callIn, callRoom, joinCall, memberType, present, stepsOf } from './call.ts';
import { MemberProcess } from './member-process.ts';
import { type Exchange, RecordingProxy } from './recording-proxy.ts';
import {
  joined,
  type Login,
  logIn,
  makeRoom,
  register,
  sdkClient,
  seen,
  signUp,
  start,
} from './sdk-client.ts';
import { until } from './signal.ts';

/** A call: Bob is in it, what he asks the server for is recorded, and Ada looks on. */
export class WatchedCall implements AsyncDisposable {
  readonly ada: MatrixClient;
  readonly bob: MatrixClient;
  /** Bob's, without the proxy: for what he does on another of his clients */
  readonly login: Login;
  readonly proxy: RecordingProxy;
  readonly roomId: string;
  readonly #memberships: MatrixEvent[] = [];
  #session: MatrixRTCSession | null = null;

  private constructor(parts: Pick<WatchedCall, 'ada' | 'bob' | 'login' | 'proxy' | 'roomId'>) {
    this.ada = parts.ada;
    this.bob = parts.bob;
    this.login = parts.login;
    this.proxy = parts.proxy;
    this.roomId = parts.roomId;
    this.ada.on(RoomStateEvent.Events, (event) => {
      if (event.getType() === memberType && event.getSender() === this.login.userId)
        this.#memberships.push(event);
    });
  }

  static async on(url: string): Promise<WatchedCall> {
    const proxy = await RecordingProxy.start(url);
    await register(url, 'bob');
    const login = await logIn(url, 'bob');
    const [ada, bob] = [await signUp(url, 'ada'), await start({ ...login, baseUrl: proxy.url })];
    return new WatchedCall({ ada, bob, login, proxy, roomId: await makeRoom([ada, bob], callRoom) });
  }

  /** Bob's session: it goes into the call in the background. */
  join(config: JoinSessionConfig): MatrixRTCSession {
    this.#session = joinCall(this.bob, this.roomId, config);
    return this.#session;
  }

  /** A third one goes into the call, from a process that can be killed: Eve. Resolves when she sees herself in it. */
  async eveJoins(config: JoinSessionConfig): Promise<MemberProcess> {
    const { baseUrl } = this.login;
    await register(baseUrl, 'eve');
    const login = await logIn(baseUrl, 'eve');
    const eve = await start(login);
    await this.ada.invite(this.roomId, login.userId);
    await eve.joinRoom(this.roomId);
    await joined(eve, this.roomId);
    eve.stopClient();
    return MemberProcess.join({ login, roomId: this.roomId, config });
  }

  /** What applications do when the network is back; the SDK by itself tries again after 2 to 7 s. */
  syncAgain(): void {
    for (const client of [this.ada, this.bob]) client.retryImmediately();
  }

  /** The call as Ada sees it. */
  get view(): MatrixRTCSession {
    return callIn(this.ada, this.roomId);
  }

  /** Resolves when Ada sees Bob in the call, and what protects that has been restarted. */
  async settled(): Promise<void> {
    await present(this.view, this.login.userId);
    await this.#exchanged(() => this.steps.at(-1) === 'restart 200', 'a restart');
  }

  /** Resolves when the leave was restarted once more, that many milliseconds from now or later. */
  async keptFor(delay: number): Promise<void> {
    const from = performance.now();
    const isLate = (): boolean => (this.restarts.at(-1)?.askedAt ?? 0) > from + delay;
    await this.#exchanged(isLate, `a restart in ${delay} ms`);
  }

  /** Resolves when the steps of Bob, from that one on, end so. */
  async ends(from: number, ...end: readonly string[]): Promise<void> {
    const isEnd = (): boolean => this.steps.slice(from).slice(-end.length).join() === end.join();
    await this.#exchanged(isEnd, end.join());
  }

  /** Resolves when both have in their timelines what Ada says now, and so all that came before it. */
  async caughtUp(): Promise<void> {
    const { event_id } = await this.ada.sendMessage(this.roomId, { msgtype: MsgType.Text, body: 'now' });
    for (const client of [this.ada, this.bob]) await seen(client, this.roomId, event_id);
  }

  /** What Bob asked for: `arm 200`, `restart 404`. */
  get steps(): readonly string[] {
    return stepsOf(this.proxy.exchanges);
  }

  get restarts(): readonly Exchange[] {
    return this.proxy.exchanges.filter(({ path, status }) => path.endsWith('/restart') && status === 200);
  }

  /** How often Ada saw Bob leave. */
  get leaves(): number {
    return this.#memberships.filter((event) => Object.keys(event.getContent()).length === 0).length;
  }

  /** Another client of Bob's, which does not sync. */
  get elsewhere(): MatrixClient {
    return sdkClient({ ...this.login });
  }

  /** Whether the leave that Bob's session relies on is there and will be sent. */
  async isArmed(): Promise<boolean> {
    const delayId = this.#session?.delayId;
    if (delayId === undefined) return false;
    return (await this.elsewhere._unstable_getDelayedEvent(delayId)).finalised === undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session?.leaveRoomSession(2_000);
    for (const client of [this.ada, this.bob]) client.stopClient();
    await this.proxy[Symbol.asyncDispose]();
  }

  #exchanged(look: () => boolean, what: string): Promise<boolean> {
    return until(this.proxy, 'exchange', look, what);
  }
}

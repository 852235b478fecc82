import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ClientApi } from '../client-api.ts';
import { type ServerProcess, startServerProcess } from '../server-process.ts';
import { judge, type Verdict } from './judge.ts';
import { Observer } from './observer.ts';
import type { Operation } from './operation.ts';
import type { Order, Report } from './orders.ts';

/** How long after the last timeout the last event may come. */
const grace = 8_000;

/** A server under load, a user who watches, and both witnesses. */
export class Trial implements AsyncDisposable {
  readonly operations: Operation[] = [];
  readonly observer: Observer;
  server: ServerProcess;
  readonly #dataDir: string;
  readonly #load: ChildProcess;
  #done = signal();
  readonly #begun = signal();

  private constructor(dataDir: string, server: ServerProcess, observer: Observer) {
    this.#dataDir = dataDir;
    this.server = server;
    this.observer = observer;
    this.#load = fork(join(import.meta.dirname, 'load-process.ts'), { execArgv: [] });
    this.#load.on('message', (report: Report) => {
      if (report.kind === 'done') return this.#done.resolve();
      this.operations.push(report.operation);
      this.#begun.resolve();
    });
    this.#load.on('exit', (code) => this.#done.reject(new Error(`the load ended with ${code}`)));
  }

  static async begin(seed: number, lives: number): Promise<Trial> {
    const dataDir = await mkdtemp(join(tmpdir(), 'trial-'));
    const server = await start(dataDir);
    const anybody = new ClientApi(server.url);
    const [alice, carol, bob] = await Promise.all(
      ['alice', 'carol', 'bob'].map((name) => anybody.register(name)),
    );
    if (alice === undefined || carol === undefined || bob === undefined) throw new Error('nobody is here');
    const rooms = [await openRoom(alice, [carol, bob]), await openRoom(carol, [alice, bob])];
    const trial = new Trial(dataDir, server, new Observer(server.url, bob.token ?? ''));
    const users = [alice.token ?? '', carol.token ?? ''];
    trial.#order({ kind: 'begin', url: server.url, setting: { seed, lives, users, rooms } });
    await Promise.race([trial.#begun.promise, trial.#done.promise]);
    return trial;
  }

  /** Starts the server again, on the same data, and tells both where it is. */
  async restart(): Promise<void> {
    this.server = await start(this.#dataDir);
    this.#order({ kind: 'server', url: this.server.url });
    this.observer.serverAt(this.server.url);
  }

  /** Lets the load go on until it was one. */
  async loadUntil(enough: (operations: readonly Operation[]) => boolean): Promise<void> {
    while (!enough(this.operations)) await pause(50);
  }

  /** Lets the load come to its end and what is due be sent, uses every token once more, and judges. */
  async end(): Promise<Verdict> {
    this.#order({ kind: 'finish' });
    await this.#wait();
    await this.#settled();
    this.#order({ kind: 'audit' });
    await this.#wait();
    return this.#settled();
  }

  async #settled(): Promise<Verdict> {
    for (let waited = 0; ; waited += 200) {
      const verdict = judge(this.operations, this.observer.timeline);
      if (verdict.missing.length === 0 || waited >= grace) return verdict;
      await pause(200);
    }
  }

  async #wait(): Promise<void> {
    await this.#done.promise;
    this.#done = signal();
  }

  #order(order: Order): void {
    this.#load.send(order);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#load.kill('SIGKILL');
    const watching = this.observer.stop();
    await this.server.stop('SIGKILL');
    await watching;
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}

/** Nobody may be waiting when it fails. */
function signal(): PromiseWithResolvers<void> {
  const resolvers = Promise.withResolvers<void>();
  resolvers.promise.catch(() => {});
  return resolvers;
}

function start(dataDir: string): Promise<ServerProcess> {
  return startServerProcess({ dataDir, flags: ['--open-registration', '--rate-limits', 'off'] });
}

/** A room where everybody may send state. Percent-encoded. */
async function openRoom(owner: ClientApi, guests: readonly ClientApi[]): Promise<string> {
  const { body } = await owner.request('POST', '/v3/createRoom', {
    preset: 'public_chat',
    power_level_content_override: { state_default: 0 },
  });
  const room = encodeURIComponent(body.room_id);
  for (const guest of guests) await guest.request('POST', `/v3/join/${room}`, {});
  return room;
}

import {
  defaultRemoteOptions,
  type Draft,
  type FutureTokens,
  type JsonObject,
  type RemoteOptions,
  type ScheduleAnswer,
  type ScheduleRequest,
} from '../../src/index.ts';
import { counted, Process } from '../simulation/process.ts';
import { RemoteDouble } from '../simulation/remote-double.ts';
import { Rooms } from '../simulation/rooms.ts';
import { VirtualTime } from '../simulation/virtual-time.ts';

export const alice = '@alice:s';

export function draft(change: Partial<Draft> = {}): Draft {
  return { room: '!a', sender: alice, type: 'm.test', stateKey: null, content: {}, extras: {}, ...change };
}

/** One or more nodes in front of a homeserver elsewhere, in simulated time. */
export class Gateway {
  readonly time = new VirtualTime();
  readonly rooms = new Rooms(this.time, () => {});
  readonly homeserver: RemoteDouble;
  readonly errors: unknown[] = [];
  readonly lateness: number[] = [];
  node: Process;
  readonly #options: Partial<RemoteOptions>;
  readonly #randomness = counted('gateway');
  #failures = 0;

  private constructor(memory: 'durable' | 'forgets', options: Partial<RemoteOptions>) {
    this.#options = options;
    this.homeserver = new RemoteDouble(memory, this.rooms, () => {});
    this.node = this.#process(null);
  }

  static async started(
    memory: 'durable' | 'forgets' = 'durable',
    options: Partial<RemoteOptions> = {},
  ): Promise<Gateway> {
    const gateway = new Gateway(memory, options);
    await gateway.node.futures.start();
    await gateway.time.turn();
    return gateway;
  }

  #process(image: ReturnType<Process['kill']> | null, name = 'single', store?: Process['store']): Process {
    return new Process({
      time: this.time,
      homeserver: this.homeserver,
      randomness: this.#randomness,
      image,
      offset: 0,
      wallOffset: () => 1_765_000_000_000,
      beforeCommit: () => {
        if (this.#failures === 0) return;
        this.#failures -= 1;
        throw new Error('told to fail');
      },
      ...(store ? { store: () => store } : {}),
      remote: { ...defaultRemoteOptions, ...this.#options, node: name },
      onError: (error) => this.errors.push(error),
      onFired: (late) => this.lateness.push(late),
    });
  }

  /** Kills the node and starts it again with what it had committed. */
  async restart(down = 0): Promise<void> {
    const image = this.node.kill();
    await this.time.advance(down);
    this.node = this.#process(image);
    await this.node.futures.start();
    await this.time.turn();
  }

  /** Another node on the same store. */
  async second(): Promise<Process> {
    const other = this.#process(null, 'second', this.node.store);
    await other.futures.start();
    await this.time.turn();
    return other;
  }

  failCommits(count: number): void {
    this.#failures = count;
  }

  async schedule(
    change: Partial<ScheduleRequest> & { readonly content?: JsonObject } = {},
  ): Promise<FutureTokens> {
    const { content = {}, ...request } = change;
    const answer = await this.answer(
      this.node.futures.schedule({
        owner: alice,
        generation: 'futures',
        draft: draft({ content }),
        timeout: 1_000,
        groupName: null,
        scope: null,
        ...request,
      }),
    );
    return onlyTokens(answer);
  }

  /** What is answered within `limit`; time passes until then. */
  async answer<T>(asked: Promise<T>, limit = 50): Promise<T> {
    const waiting = new Set([asked]);
    const done = asked.then(
      () => waiting.clear(),
      () => waiting.clear(),
    );
    const end = this.time.now() + limit;
    await this.time.turn();
    while (waiting.size > 0 && this.time.now() < end) await this.time.advance(1);
    if (waiting.size > 0) throw new Error(`not answered within ${limit} ms`);
    await done;
    return asked;
  }

  use(token: string | null, limit = 50): Promise<string> {
    return this.answer(this.node.futures.use(token ?? ''), limit).then(({ kind }) => kind);
  }

  /** The contents' `n` of the events in the rooms, in order. */
  events(): unknown[] {
    return this.rooms.log
      .filter(({ kind }) => kind === 'event')
      .map(({ draft: { content } }) => content['n']);
  }
}

export function onlyTokens(answer: ScheduleAnswer): FutureTokens {
  const tokens = answer.kind === 'scheduled' ? answer.futures[0]?.tokens : undefined;
  if (tokens === undefined) throw new Error(`scheduling answered ${answer.kind}`);
  return tokens;
}

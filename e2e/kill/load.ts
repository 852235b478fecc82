/** The load: many lives of groups at once against one server, which it outlives. */
import { Connections, type Reply } from './connection.ts';
import { live } from './life.ts';
import { type AskedFuture, monotonic, type Operation } from './operation.ts';
import type { Setting } from './orders.ts';
import { Random } from './random.ts';

/** A request, beside what its operation has to say of it. */
export interface Asked extends Pick<Operation, 'kind' | 'mark'> {
  readonly method: 'PUT' | 'POST';
  /** after `/_matrix/client` */
  readonly path: string;
  readonly body?: object;
  readonly user: string | null;
  readonly futures?: readonly AskedFuture[];
  readonly sendNow?: string;
}

/** A future and what its owner holds of it. */
export interface Held {
  readonly group: string;
  readonly future: AskedFuture;
  readonly send: string;
  readonly cancel: string | null;
  readonly refresh: string | null;
}

/** How many of the requests the load itself turns its back on. */
const lossRate = 0.1;

export class Load {
  readonly random: Random;
  readonly setting: Setting;
  readonly held: Held[] = [];
  finishing = false;
  #url: string;
  #moved = Promise.withResolvers<void>();
  #groups = 0;
  readonly #connections = new Connections(8);
  readonly #report: (operation: Operation) => void;

  constructor(url: string, setting: Setting, report: (operation: Operation) => void) {
    this.#url = url;
    this.setting = setting;
    this.random = new Random(setting.seed);
    this.#report = report;
  }

  serverAt(url: string): void {
    this.#url = url;
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  async run(): Promise<void> {
    const { lives } = this.setting;
    await Promise.all(Array.from({ length: lives }, (_, index) => this.#liveOn(index < lives / 2)));
  }

  /** @param mayKeep half of them may not: they go on doing everything when all others are keepers */
  async #liveOn(mayKeep: boolean): Promise<void> {
    while (!this.finishing) await live(this, `g${this.#groups++}`, mayKeep);
  }

  /** Asks and reports. Without an answer: null, when there is a server again. */
  async ask(group: string, asked: Asked): Promise<Reply | null> {
    const { reply, times } = await this.#timed(asked);
    const { kind, mark, futures = [], sendNow = null } = asked;
    const event = reply?.body.event_id ?? reply?.body.send_now?.event_id ?? null;
    const answer = reply && { at: times.answered, status: reply.status, event };
    this.#report({ kind, group, mark, futures, sendNow, sent: times.sent, answer });
    return reply;
  }

  /** Uses one token of each, all by one request of our own. */
  async askTogether(many: readonly Held[]): Promise<void> {
    const tokens = many.map(({ refresh, send }) => refresh ?? send);
    const path = '/unstable/dev.matrix-futures/tokens';
    const { reply, times } = await this.#timed({ method: 'POST', path, body: { tokens }, user: null });
    for (const [index, { group, future, refresh }] of many.entries()) {
      const kind = refresh === null ? 'send' : 'refresh';
      const status = reply?.status === 200 ? reply.body.results[index].status : reply?.status;
      const answer = reply && { at: times.answered, status, event: null };
      const { mark } = future;
      this.#report({ kind, group, mark, futures: [], sendNow: null, sent: times.sent, answer });
    }
  }

  /** Everything is over by now: no token may do anything. */
  async audit(): Promise<void> {
    for (let from = 0; from < this.held.length; from += 1_000)
      await this.askTogether(this.held.slice(from, from + 1_000));
  }

  /** Asks and takes the time; without an answer, waits until there is a server again. */
  async #timed({ path, user, ...rest }: Pick<Asked, 'method' | 'path' | 'body' | 'user'>): Promise<{
    reply: Reply | null;
    times: { sent: number; answered: number };
  }> {
    const moved = this.#moved.promise;
    const question = { url: `${this.#url}/_matrix/client${path}`, token: user, ...rest };
    // About as long as an answer takes: often it has happened, and nobody was told.
    const loseAfter = this.random.chance(lossRate) && !this.finishing ? this.random.from(0, 4) : null;
    const sent = monotonic();
    const reply = await this.#connections.ask(question, loseAfter);
    const answered = monotonic();
    if (reply === null && loseAfter === null) await moved;
    return { reply, times: { sent, answered } };
  }
}

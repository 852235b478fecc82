import { setTimeout as pause } from 'node:timers/promises';
import type { Reply } from './connection.ts';
import type { Asked, Held, Load } from './load.ts';
import type { AskedFuture } from './operation.ts';

const messageType = 'm.room.message';
const stateType = 'com.example.member';

/** Long enough never to run out here: who asks for it stays until the end. */
const keeperTimeout = 600_000;

/**
 * One group from its beginning to where its owner leaves it, each request after the answer of the one before.
 *
 * @param mayKeep it may last until the load ends
 */
export async function live(load: Load, group: string, mayKeep: boolean): Promise<void> {
  const life = new Life(load, group, mayKeep);
  if (load.random.chance(0.2)) await life.message();
  else if (await life.schedule()) await life.act();
  await pause(load.random.from(0, 20));
}

class Life {
  readonly #load: Load;
  readonly #group: string;
  readonly #user: string;
  readonly #room: string;
  readonly #held: Held[] = [];
  readonly #isKeeper: boolean;
  #marks = 0;

  constructor(load: Load, group: string, mayKeep: boolean) {
    const { random, setting } = load;
    this.#load = load;
    this.#group = group;
    this.#user = random.one(setting.users);
    this.#room = random.one(setting.rooms);
    this.#isKeeper = mayKeep && random.chance(0.1);
  }

  async message(): Promise<void> {
    const mark = this.#mark();
    await this.#insist({
      kind: 'message',
      mark,
      method: 'PUT',
      path: `/v3/rooms/${this.#room}/send/${messageType}/${mark}`,
      body: contentOf(mark),
      user: this.#user,
    });
  }

  /** @returns whether there are tokens to go on with */
  async schedule(): Promise<boolean> {
    const { random } = this.#load;
    if (random.chance(0.35)) return this.#scheduleOne(this.#future(this.#timeout()), null);
    const futures = [
      ...Array.from({ length: random.from(1, 2) }, () => this.#future(this.#timeout())),
      ...Array.from({ length: random.from(0, 2) }, () => this.#future(null)),
    ];
    if (random.chance(0.25)) return this.#scheduleBatch(futures);
    for (const future of futures) if (!(await this.#scheduleOne(future, this.#group))) break;
    return this.#held.length > 0;
  }

  /** @param groupName null: the server makes a group of its own for it */
  async #scheduleOne(future: AskedFuture, groupName: string | null): Promise<boolean> {
    const { mark, timeout, isState } = future;
    const place = isState
      ? `state_future/${stateType}/${this.#group}?dev.matrix-futures.txn_id=${mark}`
      : `send_future/${messageType}/${mark}?`;
    const time = timeout === null ? '' : `&future_timeout=${timeout}`;
    const name = groupName === null ? '' : `&future_group_id=${groupName}`;
    const reply = await this.#insist({
      kind: 'schedule',
      mark,
      method: 'PUT',
      path: `/v3/rooms/${this.#room}/${place}${time}${name}`,
      body: contentOf(mark),
      user: this.#user,
      futures: [future],
    });
    if (reply?.status !== 200) return false;
    this.#hold(future, reply.body);
    return true;
  }

  /** The first future by its timeout, all others as actions. */
  async #scheduleBatch([first, ...others]: readonly AskedFuture[]): Promise<boolean> {
    if (first === undefined) return false;
    const actions = others.map((one) => ({ ...one, timeout: null }));
    const sendNow = this.#mark();
    const reply = await this.#insist({
      kind: 'schedule',
      mark: first.mark,
      method: 'PUT',
      path: `/v3/rooms/${this.#room}/send/future/${first.mark}`,
      body: {
        timeout: first.timeout,
        send_on_timeout: this.#event(first),
        send_on_action: Object.fromEntries(actions.map((one) => [one.mark, this.#event(one)])),
        send_now: { type: messageType, content: contentOf(sendNow) },
      },
      user: this.#user,
      futures: [first, ...actions],
      sendNow,
    });
    if (reply?.status !== 200) return false;
    this.#hold(first, reply.body.send_on_timeout);
    for (const one of actions) this.#hold(one, reply.body.send_on_action[one.mark]);
    return true;
  }

  #event({ mark, isState }: AskedFuture): object {
    const content = contentOf(mark);
    return isState ? { type: stateType, state_key: this.#group, content } : { type: messageType, content };
  }

  #hold(future: AskedFuture, tokens: Record<string, string | undefined>): void {
    const { send_token: send = '', cancel_token: cancel = null, refresh_token: refresh = null } = tokens;
    const held = { group: this.#group, future, send, cancel, refresh };
    this.#held.push(held);
    this.#load.held.push(held);
  }

  /** Heartbeats for a while, an end, and some use of what is over. */
  async act(): Promise<void> {
    const { random } = this.#load;
    const timed = this.#held.filter(({ refresh }) => refresh !== null);
    for (let beats = random.from(0, 8); beats > 0 || (this.#isKeeper && !this.#load.finishing); beats--) {
      await pause(random.from(2, 60));
      if (random.chance(0.3)) await this.#load.askTogether(timed);
      else await this.#use('refresh', random.one(timed));
    }
    do await this.#end(timed);
    while (this.#isKeeper && random.chance(0.2));
    for (let uses = random.from(0, 2); uses > 0; uses--) {
      await pause(random.from(0, 40));
      await this.#use(random.one(['refresh', 'cancel', 'send']), random.one(this.#held));
    }
    if (this.#isKeeper) for (const one of timed) await this.#use('cancel', one);
  }

  async #end(timed: readonly Held[]): Promise<void> {
    const { random } = this.#load;
    const way = random.from(0, 5);
    if (way === 0) await this.#use('cancel', random.one(this.#held));
    else if (way === 1) for (const one of timed) await this.#use('cancel', one);
    else if (way === 2) await this.#use('send', random.one(this.#held));
    else if (way === 3 && this.#held.some(({ future }) => future.isState)) await this.#state();
  }

  /** An order without a token for it is one about nothing. */
  async #use(kind: 'refresh' | 'cancel' | 'send', held: Held): Promise<void> {
    const token = held[kind];
    if (token === null) return;
    const { mark } = held.future;
    const path = `/v3/futures/${token}`;
    const method = this.#load.random.one(['POST', 'PUT'] as const);
    await this.#insist({ kind, mark, method, path, user: null });
  }

  /** By anybody: whose state it is does not matter. */
  async #state(): Promise<void> {
    const mark = this.#mark();
    await this.#insist({
      kind: 'state',
      mark,
      method: 'PUT',
      path: `/v3/rooms/${this.#room}/state/${stateType}/${this.#group}`,
      body: contentOf(mark),
      user: this.#load.random.one(this.#load.setting.users),
    });
  }

  /**
   * Asks again where there was no answer, more often than not. A keeper always does: what it gave up could be there for
   * ten minutes, and nobody would have the tokens to end it.
   */
  async #insist(asked: Asked): Promise<Reply | null> {
    for (;;) {
      const reply = await this.#load.ask(this.#group, asked);
      if (reply !== null && reply.status !== 503) return reply;
      if (!this.#isKeeper && !this.#load.random.chance(0.7)) return null;
      await pause(10);
    }
  }

  #future(timeout: number | null): AskedFuture {
    return { mark: this.#mark(), timeout, isState: this.#load.random.chance(0.4) };
  }

  #mark(): string {
    return `${this.#group}-${this.#marks++}`;
  }

  /** From 40 ms to 2.5 s, short ones as often as long ones. */
  #timeout(): number {
    return this.#isKeeper ? keeperTimeout : Math.round(40 * (2_500 / 40) ** this.#load.random.fraction());
  }
}

function contentOf(mark: string): object {
  return { msgtype: 'm.text', body: mark, mark };
}

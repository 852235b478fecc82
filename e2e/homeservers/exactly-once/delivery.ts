import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Answer } from '../../client-api.ts';
import type { Seen } from '../between.ts';
import { until } from '../until.ts';
import { historyOf, join, roomIdIn, type RoomEvent, type World } from '../gateway-world.ts';
import { endingOf, type Later, laterMessage, markOf, scheduleLater, type TokensOfFuture } from '../later.ts';
import type { Way } from './ways.ts';

const hour = 3_600_000;
const patience = 120_000;

/** Of clocks that are read in whole milliseconds. */
const rounding = 1;

/** What its owner and whoever has a token are told when it is over. */
export interface Told {
  /** id of the event, from the list of outcomes or the batch's answer */
  readonly event: unknown;
  /** why the group's other one was cancelled; of a batch, `group` */
  readonly others: unknown;
  /** what two uses of tokens answer then: of the group's two; of a batch, refreshing and cancelling what comes next */
  readonly uses: readonly number[];
}

/** One group, from its scheduling until its event is in the room, and after that. */
export class Delivery {
  readonly way: Way;
  readonly #world: World;
  readonly #room: string;
  readonly #mark = randomUUID();
  #event: Later = { type: '', stateKey: null, content: {} };
  /** of the winner and the other one */
  #tokens: readonly TokensOfFuture[] = [];
  #scheduled = { at: 0, wall: 0, timeout: 0 };
  #fired: Promise<Answer | null> = Promise.resolve(null);

  constructor(world: World, way: Way, room: string) {
    this.#world = world;
    this.way = way;
    this.#room = room;
  }

  /** The room is as the event needs it. */
  async prepare(): Promise<void> {
    const { alice, aliceId } = this.#world;
    if (this.way.leaves) await join(alice, this.#room);
    const target = this.way.redacts ? await this.#sendTarget() : '';
    this.#event = this.way.event(this.#mark, aliceId, target);
  }

  async #sendTarget(): Promise<string> {
    const { status, body } = await this.#world.alice.request(
      'PUT',
      `${this.#room}/send/m.room.message/${this.#mark}`,
      { msgtype: 'm.text', body: 'to be redacted' },
    );
    if (status !== 200) throw new Error(`nothing to redact: ${status} ${JSON.stringify(body)}`);
    return body.event_id;
  }

  /**
   * Schedules it, with another future of the same group.
   * @param timeout of what a timer sends, in ms
   */
  async schedule(timeout: number): Promise<void> {
    const { by } = this.way;
    if (by === 'batch') return;
    const { client } = this.#world;
    const other = laterMessage(this.#otherMark);
    const group = this.#mark;
    if (by === 'timer') {
      this.#scheduled = { at: performance.now(), wall: Date.now(), timeout };
      const winner = await scheduleLater(client, this.#room, this.#event, { group, timeout });
      this.#tokens = [winner, await scheduleLater(client, this.#room, other, { group })];
    } else {
      const loser = await scheduleLater(client, this.#room, other, { group, timeout: hour });
      this.#tokens = [await scheduleLater(client, this.#room, this.#event, { group }), loser];
    }
  }

  /** Waits until its timer has sent it, if that is what sends it; nothing else is done with it. */
  async letBe(): Promise<void> {
    if (this.way.by === 'timer') await endingOf(this.#world.client, this.#room, this.#mark);
  }

  get #otherMark(): string {
    return `other than ${this.#mark}`;
  }

  /** Does what has to be done to have it sent, again and again until there is a final answer. A timer needs nothing. */
  fire(): void {
    const { by } = this.way;
    if (by === 'timer') return;
    this.#fired = this.#untilAnswered(() => (by === 'token' ? this.#useToken() : this.#sendBatch()));
    this.#fired.catch(() => {});
  }

  #useToken(): Promise<Answer> {
    return this.#world.delegate.request('PUT', `/v3/futures/${this.#tokens[0]?.send}`);
  }

  #sendBatch(): Promise<Answer> {
    const { type, stateKey, content } = this.#event;
    const event = { type, ...(stateKey !== null && { state_key: stateKey }) };
    return this.#world.client.request('PUT', `${this.#room}/send/future/${this.#mark}`, {
      timeout: hour,
      send_now: { ...event, content },
      send_on_timeout: { ...event, content: { mark: `after ${this.#mark}` } },
    });
  }

  async #untilAnswered(ask: () => Promise<Answer>): Promise<Answer> {
    const end = performance.now() + patience;
    let last: unknown = null;
    while (performance.now() < end) {
      try {
        const answer = await ask();
        if (answer.status < 500 && answer.status !== 429) return answer;
        last = answer;
      } catch (error) {
        last = error;
      }
      await pause(100);
    }
    throw new Error(`${this.way.name}: no final answer, but ${JSON.stringify(last)}`);
  }

  /**
   * The gateway asks whether the sender may still be acted for: the claim has been made. Before the timer has run out it
   * asks the same about new state that it is told of.
   */
  isGuard({ method, path, at }: Seen): boolean {
    const isMembership = method === 'GET' && this.#isInRoom(path) && path.includes('/state/m.room.member/');
    return isMembership && this.earliness(at) === 0;
  }

  /** It is the request that puts the event into its room. */
  isPut({ method, path }: Seen): boolean {
    return method === 'PUT' && this.#isInRoom(path);
  }

  #isInRoom(path: string): boolean {
    return path.includes(`/rooms/${roomIdIn(this.#room)}/`);
  }

  /** It is any request that has to do with the room. */
  isAbout({ path }: Seen): boolean {
    return this.#isInRoom(path);
  }

  /** How much earlier than its timer allows a request for it was seen, in ms by `performance.now()`; 0: not early. */
  earliness(at: number): number {
    return Math.max(0, this.#scheduled.at + this.#scheduled.timeout - rounding - at);
  }

  /** In ms since 1970: no event of it may carry an earlier time. */
  get deadline(): number {
    return this.#scheduled.wall + this.#scheduled.timeout - rounding;
  }

  /** Waits until it is over. */
  async ended(): Promise<Told> {
    const answer = await this.#fired;
    if (this.way.by === 'batch') return this.#batchOpened(answer);
    const winner = await endingOf(this.#world.client, this.#room, this.#mark);
    const other = await endingOf(this.#world.client, this.#room, this.#otherMark);
    return {
      event: winner.event_id,
      others: other['dev.matrix-futures.reason'],
      uses: await Promise.all(this.#tokens.map(({ send }) => this.#use(send))),
    };
  }

  /** The leave that a batch schedules is in force: neither it nor the event before it was taken for new state. */
  async #batchOpened(answer: Answer | null): Promise<Told> {
    const { send_now, send_on_timeout } = answer?.body ?? {};
    const refreshed = await this.#use(send_on_timeout?.refresh_token);
    const cancelled = await this.#use(send_on_timeout?.cancel_token);
    return { event: send_now?.event_id, others: 'group', uses: [refreshed, cancelled] };
  }

  async #use(token: string | undefined): Promise<number> {
    return (await this.#world.delegate.request('PUT', `/v3/futures/${token}`)).status;
  }

  /** The events in the room that came of it, as Bob reads them. */
  async events(): Promise<readonly RoomEvent[]> {
    const history = await historyOf(this.#world.bob, this.#room);
    return history.filter(({ content }) => markOf(content) === this.#mark);
  }

  /** What Bob's sync has told of this room that its history does not have, and the other way round. */
  async onlyInOne(): Promise<readonly string[]> {
    const history = await historyOf(this.#world.bob, this.#room);
    const read = new Set(history.map(({ event_id }) => event_id));
    return until(async () => {
      const told = new Set(this.#world.observer.ids.get(roomIdIn(this.#room)));
      return read.isSubsetOf(told) ? [...told.difference(read)] : null;
    }, `Bob's sync of ${this.way.name}`);
  }
}

import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Answer, ClientApi } from '../../client-api.ts';
import type { Seen } from '../between.ts';
import { until } from '../until.ts';
import { type Later, markOf, type Way } from './ways.ts';
import { historyOf, join, roomIdIn, type RoomEvent, type World } from './world.ts';

const hour = 3_600_000;
const patience = 60_000;

/** Of clocks that are read in whole milliseconds. */
const rounding = 1;

interface Listed {
  readonly content: Readonly<Record<string, unknown>>;
  readonly finalised?: Readonly<Record<string, unknown>>;
}

/** One group, from its scheduling until its event is in the room, and after that. */
export class Delivery {
  readonly way: Way;
  readonly #world: World;
  readonly #room: string;
  readonly #mark = randomUUID();
  #event: Later = { type: '', stateKey: null, content: {} };
  /** of the winner and the other one */
  #tokens: readonly string[] = [];
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
    expect(status).toBe(200);
    return body.event_id;
  }

  /**
   * Schedules it, with another future of the same group.
   * @param timeout of what a timer sends, in ms
   */
  async schedule(timeout: number): Promise<void> {
    const { by } = this.way;
    if (by === 'batch') return;
    const other: Later = {
      type: 'org.example.late',
      stateKey: null,
      content: { mark: `other than ${this.#mark}` },
    };
    const group = `future_group_id=${this.#mark}`;
    if (by === 'timer') {
      this.#scheduled = { at: performance.now(), wall: Date.now(), timeout };
      const winner = await this.#future(this.#event, `${group}&future_timeout=${timeout}`);
      this.#tokens = [winner, await this.#future(other, group)];
    } else {
      const loser = await this.#future(other, `${group}&future_timeout=${hour}`);
      this.#tokens = [await this.#future(this.#event, group), loser];
    }
  }

  /** Answers its send token. */
  async #future({ type, stateKey, content }: Later, query: string): Promise<string> {
    const where =
      stateKey === null
        ? `send_future/${type}/${randomUUID()}`
        : `state_future/${type}/${encodeURIComponent(stateKey)}`;
    const { status, body } = await this.#world.client.request(
      'PUT',
      `${this.#room}/${where}?${query}`,
      content,
    );
    expect({ status, body }).toMatchObject({ status: 200 });
    return body.send_token;
  }

  /** Does what has to be done to have it sent, again and again until there is a final answer. A timer needs nothing. */
  fire(): void {
    const { by } = this.way;
    if (by === 'timer') return;
    this.#fired = this.#untilAnswered(() => (by === 'token' ? this.#useToken() : this.#sendBatch()));
    this.#fired.catch(() => {});
  }

  #useToken(): Promise<Answer> {
    return this.#world.delegate.request('PUT', `/v3/futures/${this.#tokens[0]}`);
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

  /** The gateway asks whether the sender may still be acted for: the claim has been made. */
  isGuard({ method, path }: Seen): boolean {
    return method === 'GET' && this.#isInRoom(path) && path.includes('/state/m.room.member/');
  }

  /** It is the request that puts the event into its room. */
  isPut({ method, path }: Seen): boolean {
    return method === 'PUT' && this.#isInRoom(path);
  }

  #isInRoom(path: string): boolean {
    return path.includes(`/rooms/${roomIdIn(this.#room)}/`);
  }

  /** How much earlier than its timer allows a request for it was seen, in ms by `performance.now()`; 0: not early. */
  earliness(at: number): number {
    return Math.max(0, this.#scheduled.at + this.#scheduled.timeout - rounding - at);
  }

  /** In ms since 1970: no event of it may carry an earlier time. */
  get deadline(): number {
    return this.#scheduled.wall + this.#scheduled.timeout - rounding;
  }

  /** Expects that the group ended with this event, and that everybody is told so. Answers the event's id. */
  async ended(): Promise<string> {
    const answer = await this.#fired;
    if (this.way.by === 'batch') return this.#batchOpened(answer);
    const [winner, other] = await this.#outcomes();
    expect({ way: this.way.name, winner, other }).toMatchObject({
      winner: { event_id: expect.any(String) },
      other: { 'dev.matrix-futures.reason': 'group' },
    });
    const spent = await Promise.all(
      this.#tokens.map((token) => this.#world.delegate.request('PUT', `/v3/futures/${token}`)),
    );
    expect(spent.map(({ status }) => status)).toEqual([410, 410]);
    return String(winner?.['event_id']);
  }

  async #batchOpened(answer: Answer | null): Promise<string> {
    expect(answer).toMatchObject({ status: 200, body: { send_now: { event_id: expect.any(String) } } });
    const { send_now, send_on_timeout } = answer?.body ?? {};
    const future = await this.#world.delegate.request('PUT', `/v3/futures/${send_on_timeout.refresh_token}`);
    expect({ way: this.way.name, refreshed: future.status }).toMatchObject({ refreshed: 200 });
    await this.#world.delegate.request('PUT', `/v3/futures/${send_on_timeout.cancel_token}`);
    return send_now.event_id;
  }

  /** Of the winner and the other one, as their owner's list has them when both are finished. */
  async #outcomes(): Promise<readonly Listed['finalised'][]> {
    const path = `/v1/delayed_events?room_id=${encodeURIComponent(roomIdIn(this.#room))}&dir=b`;
    const ours = (events: readonly Listed[]): Listed[] =>
      events.filter(({ content }) => String(markOf(content)).endsWith(this.#mark));
    return until(async () => {
      const { body } = await this.#world.client.request('GET', path);
      const found = ours(body.delayed_events);
      const isWinner = ({ content }: Listed): boolean => markOf(content) === this.#mark;
      const [winner, other] = [found.find(isWinner), found.find((one) => !isWinner(one))];
      return winner?.finalised && other?.finalised ? [winner.finalised, other.finalised] : null;
    }, this.way.name);
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

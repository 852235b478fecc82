import {
  HomeserverUnavailable,
  type Accepted,
  type Draft,
  type EventId,
  type Fence,
  type Ms,
  type NewState,
  type NotTaken,
  type Refusal,
  type Refused,
  type RemoteHomeserver,
  type Sent,
  type StateKey,
  type Unknown,
  type UserId,
} from '../../src/index.ts';
import { noPower, type Entry, type Rooms } from './rooms.ts';

/**
 * What may happen to one request. `carried` is how long after its writing it is carried out, as a share of twice the
 * request limit (null: never); `answered` how long after its writing an answer comes, as a share of the limit.
 */
export type Fault =
  | { readonly kind: 'slow'; readonly carried: number; readonly answered: number }
  /** carried out or not, nothing of it is heard */
  | { readonly kind: 'lost'; readonly carried: number | null }
  /** an answer that says nothing, before or after it was carried out; `told`: but how long that may still be */
  | { readonly kind: 'server-error'; readonly carried: number | null; readonly told?: boolean }
  /** refuses whatever it is, even what it has carried out before */
  | { readonly kind: 'refuse' }
  | { readonly kind: 'busy'; readonly retryAfter: Ms }
  | { readonly kind: 'down' };

type Delivered = Accepted | Refused | NotTaken | Unknown;

const unknown: Unknown = { kind: 'unknown', mayRunFor: null };

/** What a request is answered with when nothing goes wrong with it. */
const quick: Fault = { kind: 'slow', carried: 0.000_1, answered: 0.000_4 };

/**
 * A homeserver elsewhere. It never doubles by itself: only a request for a message that is made again after it forgot,
 * or any for state that is made again, makes a second event. What it says when asked to look is true of that moment.
 */
export class RemoteDouble implements RemoteHomeserver {
  readonly kind = 'remote';
  /** what happens to the next requests; after that all goes well */
  readonly faults: Fault[] = [];
  /** how many of the next questions (looks, fences, rights) are not answered */
  mute = 0;
  /** how long each of them takes */
  questionTime: Ms = 1;
  readonly deactivated = new Set<UserId>();
  /** users about whom it never answers */
  readonly silentAbout = new Set<UserId>();
  /** every request, for tests that count them */
  readonly requests: { readonly draft: Draft; readonly transaction: string; readonly at: number }[] = [];
  /** every look, for tests that count them */
  readonly looked: Sent[] = [];
  readonly #memory: 'durable' | 'forgets';
  readonly #rooms: Rooms;
  readonly #onReturn: (() => void)[] = [];
  readonly #onState: (key: StateKey, event: EventId, sender: UserId) => void;
  readonly #remembered = new Map<string, Entry>();

  constructor(
    memory: 'durable' | 'forgets',
    rooms: Rooms,
    onState: (key: StateKey, event: EventId, sender: UserId) => void,
  ) {
    this.#memory = memory;
    this.#rooms = rooms;
    this.#onState = onState;
  }

  judgeForm(): null {
    return null;
  }

  /** A restart of one that keeps transactions in memory only. */
  forget(): void {
    if (this.#memory === 'forgets') this.#remembered.clear();
  }

  memoryOf(draft: Draft): 'durable' | 'forgets' {
    return draft.stateKey === null ? this.#memory : 'forgets';
  }

  async judgeSender({ sender }: Draft): Promise<Refusal | null> {
    await this.#question();
    if (this.silentAbout.has(sender)) throw new HomeserverUnavailable('not answered');
    return this.deactivated.has(sender) ? noPower : null;
  }

  async fence(key: StateKey): Promise<Fence> {
    await this.#question();
    return this.#rooms.current(key);
  }

  async newState(key: StateKey, as: UserId, fence: Fence): Promise<NewState> {
    await this.#question();
    return this.#rooms.since(key, as, fence);
  }

  async look(sent: Sent): Promise<Accepted | { kind: 'absent' | 'cannot-tell' }> {
    this.looked.push(sent);
    await this.#question();
    const found = this.#rooms.log.find(
      (entry) => entry.transaction === sent.transactionId && entry.kind === 'event',
    );
    return found === undefined ? { kind: 'absent' } : { kind: 'accepted', event: found.event };
  }

  isAway(): boolean {
    return this.mute > 0 || this.faults[0]?.kind === 'down';
  }

  onReturn(run: () => void): void {
    this.#onReturn.push(run);
  }

  /** It says that it answers again. */
  isBack(): void {
    for (const run of this.#onReturn) run();
  }

  deliver(draft: Draft, transaction: string, timestamp: number, limit: Ms): Promise<Delivered> {
    const written = this.#rooms.time.now();
    this.requests.push({ draft, transaction, at: written });
    const fault = this.faults.shift() ?? quick;
    const carryOut = () => this.#carryOut(draft, transaction, timestamp, written);
    switch (fault.kind) {
      case 'refuse':
        this.#rooms.add({ ...this.#rooms.judge(draft, timestamp, transaction, written), kind: 'refused' });
        return this.#in(1, { kind: 'refused', error: noPower });
      case 'busy':
        return this.#in(1, {
          kind: 'not-taken',
          error: { status: 429, errcode: 'M_LIMIT_EXCEEDED', error: 'too fast' },
          retryAfter: fault.retryAfter,
        });
      case 'down':
        return this.#in(1, {
          kind: 'not-taken',
          error: { status: 502, errcode: 'M_UNKNOWN', error: 'not reached' },
          retryAfter: null,
        });
      case 'lost':
        if (fault.carried !== null) void this.#later(fault.carried * 2 * limit, carryOut);
        return this.#in(limit, unknown);
      case 'server-error': {
        const carried = fault.carried === null ? 0 : fault.carried * 2 * limit;
        if (fault.carried !== null) void this.#later(carried, carryOut);
        return this.#in(1, fault.told ? { kind: 'unknown', mayRunFor: carried } : unknown);
      }
      case 'slow':
        return this.#slow(carryOut, fault.carried * 2 * limit, fault.answered * limit, limit);
    }
  }

  /** Answered when it was carried out and the answer has come, but given up at the limit. */
  async #slow(carryOut: () => Delivered, carried: Ms, answered: Ms, limit: Ms): Promise<Delivered> {
    const done = this.#later(carried, carryOut);
    const answer = done.then((result) => this.#in(Math.max(0, answered - carried), result));
    return Promise.race([answer, this.#in<Delivered>(limit, unknown)]);
  }

  #carryOut(draft: Draft, transaction: string, timestamp: number, written: number): Delivered {
    const before = this.#remembered.get(transaction);
    if (before !== undefined) return { kind: 'accepted', event: before.event };
    const entry = this.#rooms.judge(draft, timestamp, transaction, written);
    this.#rooms.add(entry);
    if (entry.kind === 'refused') return { kind: 'refused', error: noPower };
    if (draft.stateKey === null) this.#remembered.set(transaction, entry);
    else
      this.#onState({ room: draft.room, type: draft.type, key: draft.stateKey }, entry.event, draft.sender);
    return { kind: 'accepted', event: entry.event };
  }

  async #question(): Promise<void> {
    const muted = this.mute > 0;
    if (muted) this.mute -= 1;
    await this.#in(this.questionTime, null);
    if (muted) throw new HomeserverUnavailable('not answered');
  }

  #in<T>(delay: Ms, value: T): Promise<T> {
    return this.#later(delay, () => value);
  }

  #later<T>(delay: Ms, make: () => T): Promise<T> {
    return new Promise((resolve) => this.#rooms.time.after(delay, () => resolve(make())));
  }
}

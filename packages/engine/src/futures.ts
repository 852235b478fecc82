import { wallAhead, type Clock, type Instant, type Ms, type Randomness, type Timers } from './clock.ts';
import type { EventId, StateKey, UserId } from './event.ts';
import type { Future, FutureId } from './future.ts';
import type { Group } from './group.ts';
import type { Homeserver } from './homeserver.ts';
import type { Limits } from './limits.ts';
import type { Place } from './list-page.ts';
import { InTurn } from './in-turn.ts';
import { Lists, type ListedFuture, type OwnFuture, type PageRequest } from './lists.ts';
import type { Delivery, UseAnswer } from './delivery/delivery.ts';
import { heldFuture, type Holder } from './holder.ts';
import { LocalDelivery } from './delivery/local.ts';
import { RemoteDelivery } from './delivery/remote.ts';
import type { RemoteOptions } from './delivery/remote-options.ts';
import { DeviceSyncs } from './device-syncs.ts';
import { Firing } from './firing.ts';
import { newNonce } from './nonce.ts';
import { RefreshRate } from './refresh-rate.ts';
import { cancelFuture, type CancelAnswer } from './rules/cancel.ts';
import { refreshFuture } from './rules/refresh.ts';
import { Scheduler } from './scheduler.ts';
import {
  tokensOf,
  type BatchRequest,
  type FutureTokens,
  type ScheduleAnswer,
  type Scheduled,
  type ScheduleRequest,
} from './scheduling.ts';
import type { Decision, FutureStore, World } from './store.ts';
import { Sweeping } from './sweeping.ts';
import type { TokenKind, Tokens } from './tokens.ts';
import { UserRate } from './user-rate.ts';

export interface FuturesParts {
  readonly store: FutureStore;
  readonly homeserver: Homeserver;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  readonly tokens: Tokens;
  readonly limits: Limits;
  /** needed where the homeserver is remote */
  readonly remote?: RemoteOptions;
  /** defects and storage failures of background work, to be logged; it goes on by itself */
  readonly onError: (error: unknown) => void;
  /** a timer's event was accepted by the room: how late, in ms after its deadline */
  readonly onFired?: (lateness: Ms) => void;
}

/** How long a cancel waits to learn whether what it cancels is already in the room. */
const lookPatience: Ms = 10_000;

/**
 * The engine: everything that can be done with futures, whatever the generation of the protocol that asks. One
 * instance serves a store; rejects with `StoreUnavailable` where nothing could be stored.
 */
export class Futures {
  readonly #parts: FuturesParts;
  readonly #delivery: Delivery;
  readonly #firing: Firing;
  readonly #sweeping: Sweeping;
  readonly #rate: RefreshRate;
  readonly #scheduler: Scheduler;
  readonly #listRate: UserRate;
  readonly #lists: Lists;
  readonly #syncs: DeviceSyncs;
  readonly #inTurn = new InTurn();

  constructor(parts: FuturesParts) {
    this.#parts = parts;
    this.#delivery = this.#deliveryFor(parts);
    this.#syncs = new DeviceSyncs(parts.clock);
    const lastSync = this.#syncs.lastOf.bind(this.#syncs);
    this.#firing = new Firing({ ...parts, delivery: this.#delivery, lastSync });
    this.#sweeping = new Sweeping({ ...parts, delivery: this.#delivery });
    this.#lists = new Lists({ ...parts, sweeping: this.#sweeping, lastSync });
    this.#rate = new RefreshRate(parts.limits.refreshesPerSecond);
    this.#scheduler = new Scheduler({ ...parts, delivery: this.#delivery });
    const { listsPerSecond } = parts.limits;
    this.#listRate = new UserRate(listsPerSecond, 10 * listsPerSecond);
  }

  #deliveryFor(parts: FuturesParts): Delivery {
    const { homeserver } = parts;
    if (homeserver.kind === 'local') return new LocalDelivery({ onFired: () => {}, ...parts, homeserver });
    if (parts.remote === undefined)
      throw new TypeError('A remote homeserver needs the options for remote delivery');
    return new RemoteDelivery(
      { onFired: () => {}, ...parts, homeserver, options: parts.remote },
      parts.limits,
      {
        onOver: () => this.#firing.wake(),
        onError: parts.onError,
      },
    );
  }

  /** Call it when requests are being taken in: refreshes that were waiting count before anything overdue is sent. */
  async start(): Promise<void> {
    this.#syncs.start();
    await this.#delivery.start();
    this.#firing.start();
    this.#sweeping.start();
  }

  async stop(): Promise<void> {
    this.#firing.stop();
    this.#sweeping.stop();
    await this.#delivery.stop();
  }

  /**
   * Runs `run` unless the transaction `scope` has answered before; then `replay` makes the answer again from what it
   * was. Concurrent duplicates wait for the first. Nothing is remembered of what throws.
   */
  once<A>(scope: string, replay: (before: Scheduled) => A, run: () => Promise<A>): Promise<A> {
    return this.#inTurn.run(scope, async () => {
      const remembered = await this.#replayed(scope);
      return remembered === null ? run() : replay(remembered);
    });
  }

  async #replayed(scope: string): Promise<Scheduled | null> {
    const memory = await this.#parts.store.recall(scope);
    if (memory === null) return null;
    const found = await Promise.all(memory.futures.map(({ id }) => this.#parts.store.find(id)));
    const futures = found.flatMap((one) => (one === null ? [] : [one.future]));
    return futures.length < memory.futures.length ? null : this.#scheduler.answerOf(memory, futures);
  }

  /** Schedules one future. Whether the room will want it is judged when it is sent, only its form now. */
  schedule(request: ScheduleRequest): Promise<ScheduleAnswer> {
    return this.#scheduler.one(request);
  }

  /** Schedules a whole group, and sends one event, in one step: all or nothing. */
  scheduleBatch(request: BatchRequest): Promise<ScheduleAnswer> {
    return this.#scheduler.batch(request);
  }

  /** Does what a token stands for. Unknown, used and invalidated tokens are all `gone`. */
  async use(token: string): Promise<UseAnswer> {
    const read = this.#parts.tokens.read(token);
    if (read === null || read.kind === 'delay') return { kind: 'gone' };
    const holder: Holder = { future: read.future, nonce: read.nonce, generation: null, owner: null };
    switch (read.kind) {
      case 'refresh':
        return this.refresh(holder);
      case 'send':
        return this.send(holder);
      case 'cancel':
        return this.cancel(holder, 'token');
    }
  }

  /** What a token would do if it were valid. null: not a token. */
  kindOf(token: string): TokenKind | null {
    return this.#parts.tokens.read(token)?.kind ?? null;
  }

  /**
   * Reads a delay id. Without a login it is the capability itself, for futures of the delay parameter only; with one,
   * it names any future of that owner. null: not a delay id.
   */
  holderOfDelayId(delayId: string, owner: UserId | null): Holder | null {
    const read = this.#parts.tokens.read(delayId);
    if (read === null || read.kind !== 'delay') return null;
    return {
      future: read.future,
      nonce: read.nonce,
      generation: owner === null ? 'delay-parameter' : null,
      owner,
    };
  }

  /**
   * Who does not hold the future uses nothing up of the refreshes that it is allowed, and learns nothing of the limit:
   * to them it is gone, however often they ask.
   */
  async refresh(holder: Holder): Promise<UseAnswer> {
    const { store } = this.#parts;
    // A bare capability is counted before the store is asked, a login when it is known to be the owner's.
    const isBare = holder.owner === null;
    const wait = isBare ? this.#refreshedTooOften(holder) : null;
    if (isBare && wait === null) {
      const [deadline] = await store.refresh([holder]);
      if (deadline !== null && deadline !== undefined) return { kind: 'done' };
    }
    const decide = (found: Group, future: Future, world: World): { next: Group; answer: UseAnswer } => {
      const { next, answer } = refreshFuture(found, future.id, this.#delivery.certainOf(found), world);
      if (answer.kind !== 'refreshed') return { next, answer };
      const retryAfter = isBare ? wait : this.#refreshedTooOften(holder);
      if (retryAfter !== null) return { next: found, answer: { kind: 'limited', retryAfter } };
      return { next, answer: { kind: 'done' } };
    };
    const decided = await this.#changeHeld(holder, decide);
    return decided?.answer ?? { kind: 'gone' };
  }

  #refreshedTooOften(holder: Holder): Ms | null {
    const { limits, clock } = this.#parts;
    return limits.perUser ? this.#rate.exceeded(holder, clock.now()) : null;
  }

  send(holder: Holder): Promise<UseAnswer> {
    return this.#delivery.send(holder);
  }

  async cancel(holder: Holder, by: 'token' | 'owner'): Promise<UseAnswer> {
    const decided = await this.#changeHeld<CancelAnswer>(holder, (found, { id }, world) =>
      cancelFuture(found, id, by, this.#delivery.certainOf(found), world),
    );
    if (decided === null || decided.answer.kind === 'gone') return { kind: 'gone' };
    if (decided.answer.kind === 'cancelled') return { kind: 'done' };
    await this.#delivery.over(decided.next, lookPatience);
    const outcome = (await this.#parts.store.find(holder.future))?.future.outcome;
    if (outcome?.kind === 'cancelled') return { kind: 'done' };
    return outcome === null || outcome === undefined ? { kind: 'busy' } : { kind: 'gone' };
  }

  /** Decides over the group of what is held, and lets go of a delivery that this called off. null: nothing is held. */
  async #changeHeld<A>(
    holder: Holder,
    decide: (found: Group, future: Future, world: World) => { next: Group; answer: A },
  ): Promise<{ next: Group; answer: A } | null> {
    const decided = await this.#parts.store.change(
      { by: 'future', future: holder.future },
      (found, world): Decision<{ next: Group; answer: A } | null> => {
        const future = heldFuture(found, holder);
        if (found === null || future === null) return { next: found, answer: null };
        const answer = decide(found, future, world);
        return { next: answer.next, answer };
      },
    );
    if (decided !== null) this.#delivery.committed(decided.next);
    return decided;
  }

  /** To be asked before every list. null: it may be; else how long to wait. */
  listTooSoon(owner: UserId): Ms | null {
    const { limits, clock } = this.#parts;
    return limits.perUser ? this.#listRate.exceeded(owner, 1, clock.now()) : null;
  }

  /** Every running future of the owner, whatever generation made it, oldest first. */
  async list(owner: UserId): Promise<readonly ListedFuture[]> {
    return this.#withTokens(await this.#lists.running(owner));
  }

  /** A page of the owner's futures, finished ones too, whatever generation made them, in order of send time. */
  async page(
    owner: UserId,
    request: PageRequest,
  ): Promise<{ readonly page: readonly ListedFuture[]; readonly next: Place | null }> {
    const { page, next } = await this.#lists.page(owner, request);
    return { page: this.#withTokens(page), next };
  }

  #withTokens(futures: readonly OwnFuture[]): ListedFuture[] {
    return futures.map((own) => ({ ...own, tokens: this.tokensOf(own.future) }));
  }

  /**
   * One future with its outcome, for whoever may hold it; null: there is none, or not for them. One that is not
   * `listed` any more has only its outcome left.
   */
  async find(holder: Holder): Promise<(ListedFuture & { readonly listed: boolean }) | null> {
    const found = await this.#lists.find(holder);
    return found && { ...found, tokens: this.tokensOf(found.future) };
  }

  get limits(): Limits {
    return this.#parts.limits;
  }

  /** An instant as clients are told it: whole milliseconds since 1970, by the wall clock. */
  wallTimeOf(instant: Instant): number {
    return Math.floor(instant + wallAhead(this.#parts.clock));
  }

  /** Makes every token of the owner's running futures invalid and new ones in their place. Answers how many futures. */
  async reissue(owner: UserId): Promise<number> {
    const { store } = this.#parts;
    const running = await this.list(owner);
    const renewed = running.map(({ future }) =>
      store.change({ by: 'future', future: future.id }, (group) => {
        const next = group && this.#withNonce(group, future.id);
        return { next, answer: undefined };
      }),
    );
    await Promise.all(renewed);
    return running.length;
  }

  #withNonce(group: Group, id: FutureId): Group {
    const nonce = newNonce(this.#parts.randomness);
    return {
      ...group,
      futures: group.futures.map((future) => (future.id === id ? { ...future, nonce } : future)),
    };
  }

  /**
   * A sync of this device begins: until it is over, and for a timeout after that, futures that name the device do not
   * fire. Call what is returned when it is over, answered or its client gone. Writes nothing.
   */
  deviceSyncs(user: UserId, device: string): () => void {
    return this.#syncs.begin(user, device);
  }

  /**
   * A new state event is in the room. With a homeserver inside, called within the unit that appends it, and committed
   * with it; when that unit fails, this is undone too, and whoever ran the unit is told. Whoever was told of it from
   * elsewhere may take it as stored only when this resolves, and says it again when it rejects.
   */
  stateArrived(key: StateKey, event: EventId, sender: UserId): Promise<void> {
    return this.#thenSwept(this.#parts.store.stateArrived(key, event, sender));
  }

  /** Somebody with a pending future on that key, as whom its room may be looked at; null: none stands on it. */
  ownerOn(key: StateKey): Promise<UserId | null> {
    return this.#parts.store.ownerOn(key);
  }

  /** All futures of this user are cancelled, in the same unit as the account's end; resolves and rejects as above. */
  deactivated(owner: UserId): Promise<void> {
    return this.#thenSwept(this.#parts.store.deactivate(owner));
  }

  /** A rejection counts as handled: within a unit, nobody waits for this. */
  #thenSwept(stored: Promise<void>): Promise<void> {
    stored.then(
      () => this.#sweeping.nudge(),
      () => {},
    );
    return stored;
  }

  tokensOf(future: Pick<Future, 'id' | 'nonce' | 'timeout'>): FutureTokens {
    return tokensOf(future, this.#parts.tokens);
  }
}

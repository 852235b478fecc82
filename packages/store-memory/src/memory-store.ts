import {
  type Capability,
  type Clock,
  deadlineAfter,
  type Decide,
  type DecideDue,
  type Decision,
  type EventId,
  type Filter,
  type FoundFuture,
  type Future,
  type FutureId,
  type FutureStore,
  type Group,
  type GroupId,
  type GroupRef,
  type Instant,
  type Ms,
  type Page,
  type Retention,
  type StateArrival,
  type StateKey,
  type StateMark,
  type TransactionMemory,
  type Usage,
  type UserId,
  type World,
} from '@matrix-futures/engine';
import type { Entry } from './agenda.ts';
import { isAlive, isListed, page, sentAs, usageOf } from './listing.ts';
import { rows } from './sweep.ts';
import { nameOfKey, Tables, type Image } from './tables.ts';
import { Units } from './units.ts';

export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly retention: Retention;
  /**
   * `in-process` by default. `remote`: works like a store far away, later and with every decision made twice, of
   * which the second counts.
   */
  readonly unit?: FutureStore['unit'];
  /** Called before each commit. What it throws becomes `StoreUnavailable`, and nothing of the operation happened. */
  readonly beforeCommit?: () => void;
  /** What an earlier store had committed (`image`). */
  readonly image?: Image;
}

/**
 * The store in memory: the reference for all others, and the one that simulations run on. Nothing outlives it, but
 * what `image` answers at any moment is exactly what was committed, so a store made of it is one after a crash.
 * Locks are not in it: they end with the process.
 */
export class MemoryStore implements FutureStore {
  readonly unit: FutureStore['unit'];
  readonly #clock: Clock;
  readonly #retention: Retention;
  readonly #tables: Tables;
  readonly #units: Units;
  readonly #locks = new Map<string, { readonly until: Instant }>();
  readonly #wakes: (() => void)[] = [];
  #hinted: Instant = Infinity;

  constructor(options: MemoryStoreOptions) {
    this.unit = options.unit ?? 'in-process';
    this.#clock = options.clock;
    this.#retention = options.retention;
    this.#tables = new Tables(options.image ?? null);
    this.#units = new Units(this.#tables, options.beforeCommit ?? (() => {}), () => this.#hint());
    this.#hinted = this.nextDue() ?? Infinity;
  }

  /** What is committed now. */
  image(): Image {
    return this.#tables.image();
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  change<R>(ref: GroupRef, decide: Decide<R>): Promise<R> {
    return this.#unit(() => {
      const group = this.#find(ref);
      const owner = group?.owner ?? (ref.by === 'name' ? ref.owner : null);
      return this.#apply(group, decide(group, this.#world(owner)));
    });
  }

  changeDue<R>(
    limit: number,
    decide: DecideDue<R>,
    passOver: (future: FutureId) => boolean = () => false,
  ): Promise<readonly R[]> {
    return this.#unit(() => {
      const now = this.#clock.now();
      const answers: R[] = [];
      const offered = new Set<string>();
      while (answers.length < limit) {
        const due = this.#firstDue(now, offered);
        if (due === null) break;
        offered.add(nameOf(due.entry));
        const { group, entry } = due;
        if (entry.future !== null && passOver(entry.future)) continue;
        answers.push(this.#apply(group, decide(group, entry.future, this.#world(group.owner))));
      }
      return answers;
    });
  }

  refresh(capabilities: readonly Capability[]): Promise<readonly (Instant | null)[]> {
    return this.#unit(() => capabilities.map((capability) => this.#refreshOne(capability)));
  }

  async claimed(): Promise<readonly Group[]> {
    const groups = [...this.#tables.groups.values()];
    return groups
      .filter(({ phase }) => phase === 'claimed' || phase === 'staged')
      .sort((a, b) => a.id - b.id);
  }

  renew(
    claims: readonly { readonly group: GroupId; readonly epoch: number }[],
    lease: Ms,
  ): Promise<readonly boolean[]> {
    return this.#unit(() =>
      claims.map(({ group: id, epoch }) => {
        const group = this.#tables.groups.get(id);
        if (group === undefined || group.claim === null || group.epoch !== epoch) return false;
        const leaseEnd = Math.max(group.claim.leaseEnd, this.#clock.now() + lease);
        this.#tables.write(group, { ...group, claim: { ...group.claim, leaseEnd } });
        return true;
      }),
    );
  }

  stateArrived(key: StateKey, event: EventId, sender: UserId): Promise<void> {
    return this.#unit(() => {
      const order = this.#tables.countState();
      const name = nameOfKey(key);
      if (this.#tables.onKey(name).length === 0) return;
      const mark = moved(this.#tables.marks.get(name), { event, sender, order });
      this.#tables.put(this.#tables.marks, name, mark);
      this.#tables.put(this.#tables.unsweptKeys, name, 0);
    });
  }

  async ownerOn(key: StateKey): Promise<UserId | null> {
    const [future] = this.#tables.onKey(nameOfKey(key));
    return future === undefined ? null : (this.#tables.ofFuture(future)?.owner ?? null);
  }

  deactivate(owner: UserId): Promise<void> {
    return this.#unit(() => {
      this.#tables.put(this.#tables.inactive, owner, true);
      this.#tables.put(this.#tables.unsweptOwners, owner, 0);
    });
  }

  async lockState(key: StateKey, lease: Ms): Promise<AsyncDisposable | null> {
    const name = nameOfKey(key);
    const now = this.#clock.now();
    const held = this.#locks.get(name);
    if (held !== undefined && held.until > now) return null;
    const lock = { until: now + lease };
    this.#locks.set(name, lock);
    return {
      [Symbol.asyncDispose]: async () => {
        if (this.#locks.get(name) === lock) this.#locks.delete(name);
      },
    };
  }

  sweep(limit: number, bury: Decide<void>): Promise<number> {
    return this.#unit(() => {
      const step = rows({
        tables: this.#tables,
        retention: this.#retention,
        now: this.#clock.now(),
        bury: (group) => this.#apply(group, bury(group, this.#world(group.owner))),
      });
      let done = 0;
      while (done < limit && step.next().done !== true) done += 1;
      return done;
    });
  }

  async find(id: FutureId): Promise<FoundFuture | null> {
    const group = this.#tables.ofFuture(id);
    const future = group?.futures.find((each) => each.id === id);
    if (group === null || future === undefined) return null;
    return {
      future,
      group,
      listed: isListed(this.#tables, group.owner, future, this.#retention, this.#clock.now()),
    };
  }

  async list(owner: UserId, filter: Filter, after: string | null): Promise<Page> {
    return page(this.#tables, owner, filter, after, this.#retention, this.#clock.now());
  }

  async sentAs(owner: UserId, events: ReadonlySet<EventId>): Promise<readonly Future[]> {
    return sentAs(this.#tables, owner, events, this.#retention, this.#clock.now());
  }

  async recall(scope: string): Promise<TransactionMemory | null> {
    return this.#tables.memories.get(scope) ?? null;
  }

  async usage(owner: UserId): Promise<Usage> {
    return usageOf(this.#tables, owner);
  }

  nextDue(): Instant | null {
    return this.#tables.agenda.first()?.at ?? null;
  }

  onHint(wake: () => void): void {
    this.#wakes.push(wake);
  }

  #unit<R>(work: () => R): Promise<R> {
    return this.unit === 'remote' ? this.#units.elsewhere(work) : this.#units.here(work);
  }

  #find(ref: GroupRef): Group | null {
    switch (ref.by) {
      case 'name':
        return this.#tables.named(ref.owner, ref.name);
      case 'future':
        return this.#tables.ofFuture(ref.future);
      case 'id':
        return this.#tables.groups.get(ref.group) ?? null;
    }
  }

  /** @param owner null: of nothing, when there is no group */
  #world(owner: UserId | null): World {
    const tables = this.#tables;
    return {
      now: this.#clock.now(),
      markOf: (key) => tables.marks.get(nameOfKey(key)) ?? null,
      // Asked for when needed: a state event may arrive, and be counted, within the decision.
      get stateOrder() {
        return tables.stateOrder;
      },
      ownerActive: owner === null || !tables.inactive.has(owner),
      get usage() {
        return usageOf(tables, owner ?? '');
      },
      newFutureId: () => (tables.lastFuture += 1),
      newGroupId: () => (tables.lastGroup += 1),
    };
  }

  #apply<R>(group: Group | null, decision: Decision<R>): R {
    const { next, remember, answer } = decision;
    if (next !== group) this.#tables.write(group, next);
    if (remember !== undefined) this.#tables.put(this.#tables.memories, remember.scope, remember);
    return answer;
  }

  #firstDue(now: Instant, offered: ReadonlySet<string>): { entry: Entry; group: Group } | null {
    for (const entry of this.#tables.agenda) {
      if (entry.at > now) return null;
      const group = this.#tables.groups.get(entry.group);
      if (group !== undefined && !offered.has(nameOf(entry))) return { entry, group };
    }
    return null;
  }

  #refreshOne({ future: id, nonce, generation }: Capability): Instant | null {
    const group = this.#tables.ofFuture(id);
    const future = group?.futures.find((each) => each.id === id);
    if (group === null || future === undefined) return null;
    if (future.nonce.high !== nonce.high || future.nonce.low !== nonce.low) return null;
    if (generation !== null && generation !== future.generation) return null;
    if (group.phase !== 'open' || future.timeout === null || !isAlive(this.#tables, group.owner, future))
      return null;
    const since = this.#clock.now();
    const deadline = deadlineAfter(since, future.timeout);
    const futures = group.futures.map((each) => (each === future ? { ...each, deadline, since } : each));
    this.#tables.write(group, { ...group, futures });
    return deadline;
  }

  #hint(): void {
    const next = this.nextDue() ?? Infinity;
    const earlier = next < this.#hinted;
    this.#hinted = next;
    if (earlier) for (const wake of this.#wakes) wake();
  }
}

function nameOf({ group, future }: Entry): string {
  return `${group} ${future}`;
}

/** The mark after one more event. */
function moved(mark: StateMark | undefined, last: StateArrival): StateMark {
  if (mark === undefined) return { last, lastByAnother: null };
  return { last, lastByAnother: mark.last.sender === last.sender ? mark.lastByAnother : mark.last };
}

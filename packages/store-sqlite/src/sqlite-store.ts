import { deadByState, StoreUnavailable } from '@matrix-futures/engine';
import type {
  Capability,
  Clock,
  Decide,
  DecideDue,
  Decision,
  EventId,
  Filter,
  FoundFuture,
  Future,
  FutureId,
  FutureStore,
  Group,
  GroupId,
  GroupRef,
  Instant,
  Ms,
  Page,
  Retention,
  StateKey,
  TransactionMemory,
  Usage,
  UserId,
  World,
} from '@matrix-futures/engine';
import type { Database, Turn, TurnLost } from '@matrix-futures/sqlite';
import { Agenda } from './agenda.ts';
import type { Due } from './agenda.ts';
import { Dead } from './dead.ts';
import { FutureRows } from './future-rows.ts';
import { GroupReader } from './group-reader.ts';
import { GroupWriter } from './group-writer.ts';
import { Ids } from './ids.ts';
import { Journal } from './journal.ts';
import type { JournalLimits } from './journal.ts';
import { Leases } from './leases.ts';
import { Lists } from './lists.ts';
import { loadFutures } from './load.ts';
import { migrations } from './migrations.ts';
import { Old } from './old.ts';
import { Owners } from './owners.ts';
import { StateKeys } from './state-keys.ts';
import { StateLocks } from './state-locks.ts';
import type { StoredGroup } from './stored-group.ts';
import { Timers } from './timers.ts';
import { Transactions } from './transactions.ts';
import { Usages } from './usages.ts';

export interface SqliteStoreOptions {
  /** Shared with whatever must commit together with futures. Whoever opened it closes it. */
  readonly database: Database;
  readonly clock: Clock;
  readonly retention: Retention;
  /** how many refreshes are kept in the journal before they go to the futures' rows */
  readonly journal?: JournalLimits;
}

/**
 * The store of one process over one SQLite database. Everything runs inside the turn's transaction before the promise
 * is returned. Memory knows what is hot (deadlines, nonces, usage, which state keys have news) and is loaded at start;
 * each change of it is registered with the turn and undone with its unit, so that memory says at any moment what the
 * transaction says.
 */
export class SqliteStore implements FutureStore {
  readonly unit = 'in-process';
  readonly #turn: Turn;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #timers: Timers;
  readonly #leases: Leases;
  readonly #owners: Owners;
  readonly #stateKeys: StateKeys;
  readonly #journal: Journal;
  readonly #reader: GroupReader;
  readonly #writer: GroupWriter;
  readonly #transactions: Transactions;
  readonly #lists: Lists;
  readonly #dead: Dead;
  readonly #old: Old;
  readonly #locks: StateLocks;
  readonly #usages: Usages;
  readonly #agenda: Agenda;
  readonly #wakes: (() => void)[] = [];

  /** how many timeout futures wait for their deadlines */
  get timersRunning(): number {
    return this.#timers.size;
  }

  /** how many claimed and staged groups have a lease */
  get leasesHeld(): number {
    return this.#leases.size;
  }

  /** Brings the tables up to date and reads what is pending: a second for a million. @throws SchemaTooNew */
  constructor({ database, clock, retention, journal }: SqliteStoreOptions) {
    database.migrate('futures', migrations);
    const { turn } = database;
    const now = clock.now();
    this.#turn = turn;
    this.#clock = clock;
    this.#ids = new Ids(database);
    this.#timers = new Timers(turn, now);
    this.#leases = new Leases(turn, now);
    this.#owners = new Owners(database);
    this.#stateKeys = new StateKeys(database);
    this.#journal = new Journal(database, this.#timers, journal);
    this.#reader = new GroupReader(database, this.#timers);
    const rows = new FutureRows(database, this.#timers, this.#owners, this.#stateKeys, this.#journal);
    this.#writer = new GroupWriter(database, this.#owners, this.#leases, rows, (owner) =>
      this.#old.finished(owner),
    );
    this.#transactions = new Transactions(database);
    this.#lists = new Lists(this.#reader, this.#owners, this.#stateKeys);
    this.#dead = new Dead(database, this.#reader, this.#stateKeys);
    this.#old = new Old(database, retention, this.#reader, this.#writer, this.#transactions);
    this.#locks = new StateLocks(clock);
    this.#usages = new Usages(database, this.#owners, this.#stateKeys, this.#timers);
    this.#agenda = new Agenda(this.#timers, this.#leases);
    this.#load(database);
  }

  #load(database: Database): void {
    for (const owner of this.#owners.loadInactive()) this.#dead.searchOwner(owner);
    loadFutures(database, this.#timers, this.#owners, this.#stateKeys);
    for (const stateKey of this.#stateKeys.loadMarks()) this.#dead.searchKey(stateKey);
    this.#journal.replay();
    for (const { group } of this.#reader.underWay()) {
      this.#leases.load(group.id, group.claim?.leaseEnd ?? null);
      for (const { id } of group.futures) this.#timers.loadFrozen(id);
    }
    this.#timers.armAll();
  }

  change<R>(ref: GroupRef, decide: Decide<R>): Promise<R> {
    return this.#unit(() => {
      const owner = ref.by === 'name' ? this.#owners.find(ref.owner) : 0;
      const stored = this.#find(ref, owner);
      return this.#apply(stored, decide(stored?.group ?? null, this.#world(stored?.owner ?? owner)));
    });
  }

  #find(ref: GroupRef, owner: number): StoredGroup | null {
    switch (ref.by) {
      case 'name':
        return this.#reader.byName(owner, ref.name);
      case 'future':
        return this.#reader.byFuture(ref.future);
      case 'id':
        return this.#reader.byId(ref.group);
    }
  }

  #apply<R>(stored: StoredGroup | null, { next, remember, answer }: Decision<R>): R {
    this.#writer.write(stored, next);
    if (remember !== undefined) this.#transactions.remember(remember);
    return answer;
  }

  changeDue<R>(
    limit: number,
    decide: DecideDue<R>,
    passOver: (future: FutureId) => boolean = () => false,
  ): Promise<readonly R[]> {
    return this.#unit(() => {
      const now = this.#clock.now();
      const answers: R[] = [];
      for (const due of this.#eachDue(now, () => limit - answers.length)) {
        if (due.future !== null && passOver(due.future)) continue;
        const stored = due.future === null ? this.#reader.byId(due.group) : this.#reader.byFuture(due.future);
        if (stored === null || !isDue(stored.group, due, now)) continue;
        const decision = decide(stored.group, due.future, this.#world(stored.owner));
        answers.push(this.#apply(stored, decision));
      }
      return answers;
    });
  }

  /** What is due, each once, while `left` is positive; at the end, what is still set is set again. */
  *#eachDue(now: Instant, left: () => number): Generator<Due> {
    const taken: Due[] = [];
    const seen = new Set<string>();
    for (let limit = left(); limit > 0; limit = left()) {
      const some = this.#agenda.take(now, limit);
      if (some.length === 0) break;
      taken.push(...some);
      for (const due of some) {
        const name = due.future === null ? `lease ${due.group}` : `timer ${due.future}`;
        if (!seen.has(name)) yield due;
        seen.add(name);
      }
    }
    this.#agenda.putBack(taken);
  }

  refresh(capabilities: readonly Capability[]): Promise<readonly (Instant | null)[]> {
    return this.#turn.unit(() => {
      const now = this.#clock.now();
      return capabilities.map((capability) => this.#refreshOne(capability, now));
    }, unavailable);
  }

  #refreshOne(capability: Capability, now: Instant): Instant | null {
    const timers = this.#timers;
    const slot = timers.slotOf(capability);
    if (slot < 0 || !this.#owners.active(timers.ownerAt(slot)) || !this.#aliveByState(slot)) return null;
    const deadline = timers.restart(slot, now, this.#journal.sequence);
    this.#journal.append(capability.future, deadline);
    return deadline;
  }

  /** Asks the database only when state arrived that this future was not yet compared with. */
  #aliveByState(slot: number): boolean {
    const timers = this.#timers;
    const arrived = this.#stateKeys.lastArrival(timers.stateKeyAt(slot));
    if (arrived <= timers.aliveUpToAt(slot)) return true;
    const id = timers.idAt(slot);
    const future = this.#reader.byFuture(id)?.members.get(id)?.future;
    if (future === undefined || deadByState(future, this.#markOf)) return false;
    timers.noteAlive(slot, arrived);
    return true;
  }

  claimed(): Promise<readonly Group[]> {
    return this.#unit(() => this.#reader.underWay().map(({ group }) => group));
  }

  renew(claims: readonly { group: GroupId; epoch: number }[], lease: Ms): Promise<readonly boolean[]> {
    return this.#unit(() => {
      const leaseEnd = this.#clock.now() + lease;
      return claims.map(({ group, epoch }) => this.#renewOne(group, epoch, leaseEnd));
    });
  }

  #renewOne(id: GroupId, epoch: number, leaseEnd: Instant): boolean {
    const stored = this.#reader.byId(id);
    const claim = stored?.group.claim;
    if (!stored || !claim || stored.group.epoch !== epoch) return false;
    if (leaseEnd > claim.leaseEnd)
      this.#writer.write(stored, { ...stored.group, claim: { ...claim, leaseEnd } });
    return true;
  }

  stateArrived(key: StateKey, event: EventId, sender: UserId): Promise<void> {
    return this.#unit(() => {
      const stateKey = this.#stateKeys.arrived(key, event, sender);
      if (stateKey !== 0) this.#dead.searchKey(stateKey);
    });
  }

  ownerOn(key: StateKey): Promise<UserId | null> {
    return this.#unit(() => this.#stateKeys.ownerOn(key));
  }

  deactivate(user: UserId): Promise<void> {
    return this.#unit(() => {
      const owner = this.#owners.numberOf(user);
      if (!this.#owners.active(owner)) return;
      this.#owners.deactivate(owner);
      this.#dead.searchOwner(owner);
    });
  }

  async lockState(key: StateKey, lease: Ms): Promise<AsyncDisposable | null> {
    return this.#locks.lock(key, lease);
  }

  sweep(limit: number, bury: Decide<void>): Promise<number> {
    return this.#unit(() => {
      const rows = this.#dead.search(limit, (stored) => {
        this.#apply(stored, bury(stored.group, this.#world(stored.owner)));
      });
      return rows + this.#old.remove(this.#clock.now(), limit - rows);
    });
  }

  find(future: FutureId): Promise<FoundFuture | null> {
    return this.#unit(() => {
      const stored = this.#reader.byFuture(future);
      const member = stored?.members.get(future);
      if (!stored || !member) return null;
      return { future: member.future, group: stored.group, listed: member.listed };
    });
  }

  list(owner: UserId, filter: Filter, page: string | null): Promise<Page> {
    return this.#unit(() => this.#lists.page(this.#owners.find(owner), filter, page));
  }

  sentAs(owner: UserId, events: ReadonlySet<EventId>): Promise<readonly Future[]> {
    return this.#unit(() => this.#reader.sentAs(this.#owners.find(owner), events));
  }

  recall(scope: string): Promise<TransactionMemory | null> {
    return this.#unit(() => this.#transactions.recall(scope));
  }

  usage(owner: UserId): Promise<Usage> {
    return this.#unit(() => this.#usages.of(this.#owners.find(owner)));
  }

  nextDue(): Instant | null {
    return this.#agenda.next();
  }

  onHint(wake: () => void): void {
    this.#wakes.push(wake);
  }

  /** The database is closed by whoever opened it. */
  async [Symbol.asyncDispose](): Promise<void> {}

  /** A unit of the turn; afterwards whoever waits for what is due hears of anything that comes earlier. */
  #unit<R>(work: () => R): Promise<R> {
    return this.#turn.unit(() => {
      const before = this.nextDue() ?? Infinity;
      const result = work();
      if ((this.nextDue() ?? Infinity) < before) {
        this.#turn.onCommit(() => {
          for (const wake of this.#wakes) wake();
        });
      }
      return result;
    }, unavailable);
  }

  readonly #markOf = (key: StateKey) => this.#stateKeys.markOf(key);

  /** @param owner 0: nobody that is known */
  #world(owner: number): World {
    const stateKeys = this.#stateKeys;
    const usages = this.#usages;
    return {
      now: this.#clock.now(),
      markOf: this.#markOf,
      get stateOrder() {
        return stateKeys.order;
      },
      ownerActive: this.#owners.active(owner),
      get usage() {
        return usages.of(owner);
      },
      newFutureId: () => this.#ids.nextFuture(),
      newGroupId: () => this.#ids.nextGroup(),
    };
  }
}

function isDue(group: Group, due: Due, now: Instant): boolean {
  if (due.future === null) return group.claim !== null && group.claim.leaseEnd <= now;
  const future = group.futures.find(({ id }) => id === due.future);
  return group.phase === 'open' && future?.status === 'scheduled' && (future.deadline ?? Infinity) <= now;
}

function unavailable(lost: TurnLost): StoreUnavailable {
  return new StoreUnavailable('nothing could be stored', { cause: lost });
}

import {
  HomeserverUnavailable,
  StoreUnavailable,
  defaultRemoteOptions,
  type BatchRequest,
  type Draft,
  type FutureTokens,
  type Futures,
  type Homeserver,
  type ListedFuture,
  type ScheduleAnswer,
  type ScheduleRequest,
  type StateKey,
  type UserId,
} from '../../src/index.ts';
import { openDatabase, type Database } from '@matrix-futures/sqlite';
import type { Image } from '@matrix-futures/store-memory';
import { SqliteStore } from '@matrix-futures/store-sqlite';
import { Model, type Fact, type Handed, type Use } from './model.ts';
import { users, type Operation, type User } from './operations.ts';
import { counted, Process, retention } from './process.ts';
import { RemoteDouble } from './remote-double.ts';
import { LocalDouble, Rooms } from './rooms.ts';
import { VirtualTime } from './virtual-time.ts';

export type Setting =
  | { readonly homeserver: 'local'; readonly store: 'memory' | 'sqlite' }
  | {
      readonly homeserver: 'remote';
      readonly memory: 'durable' | 'forgets';
      readonly unit: 'in-process' | 'remote';
    };

type Of<Do extends Operation['do']> = Extract<Operation, { do: Do }>;

/** One request to schedule, as a client would repeat it: the same under the same transaction id. */
interface Request {
  readonly name: string | null;
  readonly handed: readonly Handed[];
  readonly run: (futures: Futures) => Promise<ScheduleAnswer>;
  /** of a batch: what names its `send_now` */
  readonly sendNow: number | null;
}

const second = 1_000;

/** One history: the real service, its process's deaths, the homeserver, and the model that judges them. */
export class Simulation {
  readonly model: Model;
  readonly #setting: Setting;
  readonly #time = new VirtualTime();
  readonly #rooms: Rooms;
  readonly #local: LocalDouble | null;
  readonly #remote: RemoteDouble | null;
  readonly #randomness = counted('simulation');
  readonly #requests = new Map<string, Request>();
  /** what callers of the process that runs are waiting for, and what it means that they never hear of it */
  readonly #waiting = new Set<() => void>();
  readonly #deactivated = new Set<UserId>();
  /** state events of which the gateway has not said yet that it has them, in order */
  readonly #untold: { key: StateKey; event: string; sender: UserId }[] = [];
  /** null: the store is in memory. One in a database lives as long as its process, and its disk never fails. */
  readonly #database: Database | null;
  #process: Process | null = null;
  #image: Image | null = null;
  /** how far server time is behind real time */
  #lag = 0;
  #wallOffset = 1_765_000_000_000;
  #failures = 0;
  /** real time of the last thing that excuses lateness: a start, or a commit that failed */
  #excused = 0;
  #tags = 0;
  #errors: unknown[] = [];

  constructor(setting: Setting) {
    this.#setting = setting;
    this.model = new Model(setting.homeserver === 'local');
    this.#rooms = new Rooms(this.#time, (entry) => {
      this.model.entry(entry);
      const { stateKey, room, sender } = entry.draft;
      if (setting.homeserver === 'local' && stateKey !== null && entry.kind === 'event')
        this.model.state(`${room} ${stateKey}`, sender, entry.at);
    });
    const inside = (key: StateKey, event: string, sender: UserId) =>
      void this.#process?.futures.stateArrived(key, event, sender);
    const outside = (key: StateKey, event: string, sender: UserId) => {
      this.#untold.push({ key, event, sender });
      if (this.#untold.length === 1) void this.#tell();
    };
    this.#database =
      setting.homeserver === 'local' && setting.store === 'sqlite'
        ? openDatabase({ path: ':memory:', timers: this.#time, onFatal: (error) => this.#errors.push(error) })
        : null;
    const onCommit = this.#database?.turn.onCommit.bind(this.#database.turn) ?? null;
    this.#local = setting.homeserver === 'local' ? new LocalDouble(this.#rooms, inside, onCommit) : null;
    this.#remote =
      setting.homeserver === 'remote' ? new RemoteDouble(setting.memory, this.#rooms, outside) : null;
  }

  get violations(): readonly string[] {
    return [...this.model.violations, ...this.#errors.map((error) => `error: ${String(error)}`)];
  }

  async start(): Promise<void> {
    const homeserver: Homeserver | null = this.#local ?? this.#remote;
    if (homeserver === null) return;
    const unit = this.#setting.homeserver === 'local' ? 'in-process' : this.#setting.unit;
    this.#process = new Process({
      time: this.#time,
      homeserver,
      randomness: this.#randomness,
      image: this.#image,
      ...this.#sqliteStore(),
      offset: 1_765_000_000_000.25 - this.#lag,
      wallOffset: () => this.#wallOffset,
      beforeCommit: () => this.#commit(),
      unit,
      remote: defaultRemoteOptions,
      onError: (error) => {
        if (!(error instanceof StoreUnavailable)) this.#errors.push(error);
      },
    });
    await this.#tell();
    this.#excused = this.#time.now();
    await this.#begin(this.#process);
    await this.#time.turn();
  }

  #sqliteStore(): Pick<ConstructorParameters<typeof Process>[0], 'store'> {
    const database = this.#database;
    return database === null ? {} : { store: (clock) => new SqliteStore({ database, clock, retention }) };
  }

  /** Told again until it has answered, as application services are. */
  async #tell(): Promise<void> {
    const [first] = this.#untold;
    const process = this.#process;
    if (first === undefined || process === null) return;
    const { key, event, sender } = first;
    const had = await process.futures.stateArrived(key, event, sender).then(
      () => true,
      () => false,
    );
    if (this.#process !== process) return;
    if (had) {
      this.#untold.shift();
      this.model.state(`${key.room} ${key.key}`, sender, this.#time.now());
    }
    return this.#tell();
  }

  /** As whoever wires it does: tried again while the store is not available. */
  async #begin({ futures }: Process): Promise<void> {
    for (;;)
      try {
        return await futures.start();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
      }
  }

  #commit(): void {
    if (this.#failures > 0) {
      this.#failures -= 1;
      this.#excused = this.#time.now();
      this.#local?.discard();
      throw new Error('told to fail');
    }
    this.#local?.keep();
  }

  /** Does one operation, and everything that follows from it at once. */
  async run(operation: Operation): Promise<void> {
    await this.#do(operation);
    await this.#time.drain();
    this.#local?.discard();
    await this.#time.turn();
    if (this.#local !== null && this.#time.now() > this.#excused + second)
      this.model.overdue(this.#time.now(), this.#lag, second);
  }

  async #do(operation: Operation): Promise<void> {
    switch (operation.do) {
      case 'schedule':
        return this.#schedule(operation);
      case 'batch':
        return this.#batch(operation);
      case 'use':
        return this.#use(operation);
      case 'state':
        return this.#state(operation);
      case 'advance':
        return this.#time.advance(operation.by);
      case 'step':
        this.#wallOffset += operation.by;
        return;
      case 'power':
        if (operation.has) this.#rooms.powerless.delete(operation.user);
        else this.#rooms.powerless.add(operation.user);
        return;
      case 'reissue':
        return this.#list(operation.owner, true);
      case 'list':
        return this.#list(operation.owner, false);
      case 'fail':
        if (this.#database === null) this.#failures += operation.commits;
        return;
      case 'crash':
        return this.#database === null ? this.#crash(operation) : undefined;
      case 'deactivate':
        return this.#deactivate(operation);
      case 'faults':
        this.#remote?.faults.push(...operation.faults);
        return;
      case 'mute':
        if (this.#remote !== null) this.#remote.mute += operation.questions;
        return;
      case 'back':
        this.#remote?.isBack();
        return;
      case 'forget':
        this.#remote?.forget();
        return;
    }
  }

  // --- scheduling

  #handed(owner: User, generation: Handed['generation'], timeout: number | null, key: string | null): Handed {
    this.#tags += 1;
    return { tag: this.#tags, owner, generation, timeout, key };
  }

  #draft(handed: Handed, room: string, stateKey: string | null, content: Draft['content'] = {}): Draft {
    return {
      room,
      sender: handed.owner,
      type: 'm.test',
      stateKey,
      content: { tag: handed.tag, ...content },
      extras: {},
    };
  }

  #schedule(operation: Of<'schedule'>): void {
    const { owner, generation, timeout, name, room, key, transaction } = operation;
    if (this.#deactivated.has(owner)) return;
    this.#ask(transaction === null ? null : `${owner} ${transaction}`, (scope) => {
      const handed = this.#handed(owner, generation, timeout, key === null ? null : `${room} ${key}`);
      const groupName = timeout === null ? (name ?? 'call') : name;
      const draft = this.#draft(handed, room, key);
      const request: ScheduleRequest = { owner, generation, draft, timeout, groupName, scope };
      return {
        name: groupName,
        handed: [handed],
        sendNow: null,
        run: (futures) => futures.schedule(request),
      };
    });
  }

  #batch(operation: Of<'batch'>): void {
    const { owner, room, timeout, key, sendNow, actions, transaction } = operation;
    if (this.#deactivated.has(owner)) return;
    this.#ask(`${owner} batch ${transaction}`, (scope) => {
      const placed = (stateKey: string | null) => (stateKey === null ? null : `${room} ${stateKey}`);
      const leave = this.#handed(owner, 'futures', timeout, placed(key));
      const others = actions.map((action) => ({
        handed: this.#handed(owner, 'futures', null, placed(action)),
        action,
      }));
      const content = sendNow === 'none' ? {} : { ref: '<$m.send_now.event_id>' };
      const now = this.#handed(owner, 'futures', null, null);
      const nowKey = sendNow === 'x' || sendNow === 'y' ? sendNow : null;
      const request: BatchRequest = {
        owner,
        timeout,
        sendOnTimeout: this.#draft(leave, room, key, content),
        sendOnAction: new Map(
          others.map(({ handed, action }, place) => [
            `action ${place}`,
            this.#draft(handed, room, action, content),
          ]),
        ),
        sendNow: sendNow === 'none' ? null : this.#draft(now, room, nowKey, { role: 'send-now' }),
        scope: scope ?? '',
      };
      return {
        name: null,
        handed: [leave, ...others.map(({ handed }) => handed)],
        sendNow: sendNow === 'none' ? null : now.tag,
        run: (futures) => futures.scheduleBatch(request),
      };
    });
  }

  #ask(scope: string | null, make: (scope: string | null) => Request): void {
    const process = this.#process;
    if (process === null) return;
    const known = scope === null ? undefined : this.#requests.get(scope);
    const request = known ?? make(scope);
    if (scope !== null) this.#requests.set(scope, request);
    const withdraw = request.handed.map((one) => this.model.asked(one, request.name, this.#time.now()));
    const { futures } = process;
    const run = () =>
      scope === null
        ? request.run(futures)
        : futures.once<ScheduleAnswer>(
            scope,
            (before) => before,
            () => request.run(futures),
          );
    const nothing = () => withdraw.forEach((back) => back());
    this.#wait(
      process,
      run,
      (answer) => this.#scheduled(request, answer, nothing),
      nothing,
      () => {},
    );
  }

  #scheduled(request: Request, answer: ScheduleAnswer, nothing: () => void): void {
    const { model } = this;
    const now = this.#time.now();
    const [first] = request.handed;
    if (first === undefined) return;
    const made = request.sendNow === null ? null : model.sendNowOf(request.sendNow);
    const known = model.facts.get(first.tag)?.acknowledged === true;
    if (this.#local !== null && !known) {
      const refused = request.sendNow !== null && this.#rooms.powerless.has(first.owner);
      const expected = refused
        ? 'refused'
        : model.expectedOfSchedule(first.owner, request.name, first.timeout);
      if (answer.kind !== expected) this.#wrong(`scheduling was ${answer.kind}, and must be ${expected}`);
    }
    switch (answer.kind) {
      case 'scheduled':
        if (request.sendNow !== null && answer.sendNow !== made)
          this.#wrong('a batch was answered with another event than its send_now');
        answer.futures.forEach(({ tokens }, place) => {
          const handed = request.handed[place];
          if (handed !== undefined)
            model.scheduled(handed.tag, answer.groupName, tokens, answer.sendNow, now, this.#lag);
        });
        return;
      case 'conflict':
        if (this.#remote !== null)
          if (request.name === null || !model.mayConflict(first.owner, request.name, first.timeout, now))
            this.#wrong(`a conflict (${answer.why}) that nothing can have led to`);
        return nothing();
      case 'refused':
        if (made !== null) this.#wrong('a batch was refused, and its send_now is in the room');
        return nothing();
      case 'undecided':
        if (this.#local !== null || request.sendNow === null) this.#wrong('nothing to be undecided about');
        return;
      default:
        this.#wrong(`scheduling was ${answer.kind}`);
    }
  }

  // --- tokens

  #use({ pick, use, by }: Of<'use'>): void {
    const process = this.#process;
    const facts = [...this.model.facts.values()].filter(({ acknowledged }) => acknowledged);
    const fact = facts[pick % Math.max(facts.length, 1)];
    if (process === null || fact === undefined) return;
    this.#useOf(process, fact, use, by);
  }

  #useOf(process: Process, fact: Fact, use: Use, by: Of<'use'>['by']): void {
    const { model } = this;
    const { futures } = process;
    const old = by === 'stale' ? fact.stale.at(-1) : undefined;
    const tokens = old ?? fact.tokens;
    const token = tokens?.[use] ?? null;
    if (tokens === null || token === null) return;
    const stale = old !== undefined;
    const at = this.#time.now();
    const powerless = this.#rooms.powerless.has(fact.owner);
    const { dead } = model.beginUse(fact, use, stale);
    const run = () => {
      const holder = by === 'owner' ? futures.holderOfDelayId(tokens.delayId, fact.owner) : null;
      if (holder === null) return futures.use(token);
      if (use === 'send') return futures.send(holder);
      return use === 'refresh' ? futures.refresh(holder) : futures.cancel(holder, 'owner');
    };
    this.#wait(
      process,
      run,
      (answer) =>
        model.used(
          fact,
          use,
          stale,
          { dead, at, powerless, token },
          answer.kind,
          this.#time.now(),
          this.#lag,
        ),
      () => {
        if (use === 'send' && !stale) fact.sends -= 1;
      },
      () => {
        if (!stale) model.lostUse(fact, use);
      },
    );
  }

  #list(owner: UserId, reissue: boolean): void {
    const process = this.#process;
    if (process === null) return;
    let changed: 'all' | 'some' | 'none' = 'none';
    const run = async () => {
      if (reissue)
        changed = await process.futures.reissue(owner).then(
          () => 'all',
          () => 'some',
        );
      return process.futures.list(owner);
    };
    const heard = (listed: readonly ListedFuture[]) => this.#listed(owner, listed, changed);
    this.#wait(
      process,
      run,
      heard,
      () => {},
      () => {},
    );
  }

  #listed(owner: UserId, listed: readonly ListedFuture[], changed: 'all' | 'some' | 'none'): void {
    const known: { tag: number; tokens: FutureTokens; groupName: string }[] = [];
    for (const { future, tokens, groupName } of listed) {
      const { tag } = future.draft.content;
      if (typeof tag === 'number') known.push({ tag, tokens, groupName });
      else this.#wrong('a future that nobody asked for');
    }
    this.model.listed(owner, known, changed, this.#time.now());
  }

  // --- the rest of the world

  #state({ sender, room, key }: Of<'state'>): void {
    const draft: Draft = { room, sender, type: 'm.test', stateKey: key, content: {}, extras: {} };
    this.#unit(() => {
      this.#local?.append(draft, 0);
    });
    if (this.#remote === null || this.#rooms.powerless.has(sender)) return;
    void this.#remote.deliver(draft, `of a client ${this.#rooms.log.length}`, 0, second);
  }

  #deactivate({ user }: Of<'deactivate'>): void {
    const process = this.#process;
    if (process === null || this.#deactivated.has(user)) return;
    this.#failures = 0;
    this.#deactivated.add(user);
    this.#remote?.deactivated.add(user);
    void process.futures.deactivated(user);
    this.model.deactivated(user, this.#time.now());
  }

  /** Something that a homeserver inside does in the transaction that the store shares. */
  #unit(work: () => void): void {
    const process = this.#process;
    if (process === null || this.#local === null) return;
    process.store
      .change({ by: 'id', group: 0 }, (group) => {
        work();
        return { next: group, answer: undefined };
      })
      .catch(() => {});
  }

  async #crash({ down, anchored }: { down: number; anchored: boolean }): Promise<void> {
    this.kill();
    await this.#time.advance(down);
    if (anchored) this.#lag += down;
    await this.start();
  }

  kill(): void {
    this.#image = this.#process?.kill() ?? null;
    this.#process = null;
    this.#database?.close();
    for (const lost of this.#waiting) lost();
    this.#waiting.clear();
  }

  #wait<A>(
    process: Process,
    run: () => Promise<A>,
    heard: (answer: A) => void,
    failed: () => void,
    lost: () => void,
  ): void {
    this.#waiting.add(lost);
    run().then(
      (answer) => {
        if (this.#process !== process) return;
        this.#waiting.delete(lost);
        heard(answer);
      },
      (error: unknown) => {
        if (this.#process !== process) return;
        this.#waiting.delete(lost);
        if (error instanceof StoreUnavailable || error instanceof HomeserverUnavailable) failed();
        else this.#errors.push(error);
      },
    );
  }

  #wrong(what: string): void {
    this.model.violations.push(what);
  }

  /** All troubles end; everything that was scheduled has to come to its end. */
  async end(): Promise<void> {
    this.#failures = 0;
    if (this.#remote !== null) {
      this.#remote.faults.length = 0;
      this.#remote.mute = 0;
    }
    const minute = 60 * second;
    await this.#time.advance(20 * minute);
    for (const [scope, request] of this.#requests)
      if (request.sendNow !== null && this.model.sendNowOf(request.sendNow) !== null) {
        this.#ask(scope, () => request);
        await this.#time.turn();
        const [first] = request.handed;
        if (first !== undefined && !this.model.facts.get(first.tag)?.acknowledged)
          this.#wrong(`the send_now of batch ${scope} is in the room, and its futures are not told`);
      }
    await this.#time.advance(20 * minute);
    if (this.#waiting.size > 0) this.#wrong(`${this.#waiting.size} callers were never answered`);
    this.model.ended();
    for (const user of users) {
      let running = Infinity;
      void this.#process?.futures.list(user).then(({ length }) => (running = length));
      await this.#time.turn();
      if (running > 0) this.#wrong('something runs after everything has ended');
    }
    for (const fact of this.model.facts.values())
      for (const use of ['refresh', 'cancel', 'send'] as const) await this.#expectGone(fact, use);
  }

  async #expectGone(fact: Fact, use: Use): Promise<void> {
    const token = fact.tokens?.[use];
    if (token === null || token === undefined) return;
    let answer = 'nothing';
    void this.#process?.futures.use(token).then(({ kind }) => (answer = kind));
    await this.#time.turn();
    if (answer !== 'gone') this.#wrong(`${use} of ${fact.tag} answers ${answer} after everything has ended`);
  }
}

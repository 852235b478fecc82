/**
 * What must be true, said without the engine (only its types): judged by what callers were told, and by what is in the
 * rooms. `exact`, in front of a homeserver inside, where every answer has one right form; in front of a remote one an
 * answer is wrong when nothing that may have happened could have led to it.
 */
import type {
  EventId,
  FutureTokens,
  Generation,
  Ms,
  ScheduleAnswer,
  UseAnswer,
  UserId,
} from '../../src/index.ts';
import type { Entry } from './rooms.ts';

/** An event as it was handed over. `tag` is in its content and names it for ever. */
export interface Handed {
  readonly tag: number;
  readonly owner: UserId;
  readonly generation: Generation;
  /** null: an action future */
  readonly timeout: Ms | null;
  /** null: a message; else the state key, with its room */
  readonly key: string | null;
}

export interface Fact extends Handed {
  readonly group: GroupFact;
  /** how many state events were known when it was asked for, and when it was made for certain */
  readonly asked: number;
  readonly made: number;
  /** real time from which its timer runs at the earliest, and how far server time was behind then */
  since: number;
  lag: number;
  tokens: FutureTokens | null;
  readonly stale: FutureTokens[];
  /** false: nobody who asked for it was told that it is there */
  acknowledged: boolean;
  cancelled: boolean;
  failed: boolean;
  sent: boolean;
  /** sends that are not answered yet, or never will be, or that were answered with a doubt */
  sends: number;
  /** a cancel of it was never answered, or with a doubt */
  doubted: boolean;
  /** its timer's event was refused by the room */
  refused: boolean;
  /** how many requests may make it, that were not answered with a failure */
  requests: number;
}

interface GroupFact {
  readonly owner: UserId;
  readonly name: string;
  readonly futures: Fact[];
  /** null: no batch, or one without `send_now` */
  sendNow: EventId | null;
  over: boolean;
}

interface StateFact {
  readonly key: string;
  readonly sender: UserId;
  /** real time at which the engine was told of it */
  readonly at: number;
}

export type Use = 'send' | 'refresh' | 'cancel';

export class Model {
  readonly violations: string[] = [];
  readonly facts = new Map<number, Fact>();
  readonly #exact: boolean;
  readonly #groups: GroupFact[] = [];
  /** the one event of each group's name */
  readonly #events = new Map<string, Entry>();
  readonly #states: StateFact[] = [];
  readonly #sendNows = new Map<number, EventId>();
  readonly #deactivated = new Map<UserId, number>();

  constructor(exact: boolean) {
    this.#exact = exact;
  }

  // --- what happened in the rooms

  entry(entry: Entry): void {
    const { tag, role } = entry.draft.content;
    if (typeof tag !== 'number') return;
    if (role === 'send-now') {
      if (entry.kind === 'refused') return;
      if (this.#sendNows.has(tag)) this.#wrong(`send_now ${tag} is in the room twice`);
      this.#sendNows.set(tag, entry.event);
      return;
    }
    const fact = this.facts.get(tag);
    if (fact === undefined) return this.#wrong(`event ${tag}, which nobody asked for`);
    if (entry.kind === 'refused') return this.#refusedEntry(fact, entry);
    this.#judgeEvent(fact, entry);
    this.#events.set(nameOf(fact.group), entry);
    this.#settle();
  }

  /** The engine was told of a state event. */
  state(key: string, sender: UserId, at: number): void {
    this.#states.push({ key, sender, at });
    this.#settle();
  }

  #refusedEntry(fact: Fact, entry: Entry): void {
    if (fact.timeout !== null && entry.written >= this.#due(fact)) fact.refused = true;
    if (!this.#exact || fact.sends > 0) return;
    if (this.#dead(fact)) this.#wrong(`${fact.tag} was tried though it is dead`);
    if (entry.at < this.#due(fact)) this.#wrong(`${fact.tag} was tried early`);
    fact.failed = true;
    this.#settle();
  }

  #judgeEvent(fact: Fact, entry: Entry): void {
    const { tag } = fact;
    const before = this.#events.get(nameOf(fact.group));
    if (before !== undefined)
      this.#wrong(`two events of a group: ${String(before.draft.content['tag'])}, ${tag}`);
    if (fact.cancelled) this.#wrong(`${tag} was sent after a cancel that was acknowledged`);
    if (fact.sends === 0) {
      if (fact.timeout === null) this.#wrong(`the action future ${tag} was sent by itself`);
      else if (entry.written < this.#due(fact))
        this.#wrong(`${tag} was sent ${this.#due(fact) - entry.written} ms early`);
    }
    if (this.#exact && this.#dead(fact)) this.#wrong(`${tag} was sent though it is dead`);
    if ((this.#deactivated.get(fact.owner) ?? Infinity) < entry.written)
      this.#wrong(`${tag} was sent for a deactivated user`);
    if (this.#statesOf(fact, fact.made).some(({ at }) => at < entry.written))
      this.#wrong(`${tag} was sent after newer state`);
    const sendNow = fact.group.sendNow;
    if (sendNow !== null && entry.draft.content['ref'] !== `<${sendNow}>`)
      this.#wrong(`the template variable of ${tag} was not replaced`);
  }

  // --- what was asked and answered

  /** A future that may come to be. Answers how to take that back when it certainly did not. */
  asked(handed: Handed, name: string | null, now: number): () => void {
    const known = this.facts.get(handed.tag);
    const fact: Fact = known ?? {
      ...handed,
      group: this.#groupNamed(handed.owner, name ?? `of ${handed.tag}`),
      asked: this.#states.length,
      made: Infinity,
      since: now,
      lag: 0,
      tokens: null,
      stale: [],
      acknowledged: false,
      cancelled: false,
      failed: false,
      sent: false,
      sends: 0,
      doubted: false,
      refused: false,
      requests: 0,
    };
    this.facts.set(handed.tag, fact);
    fact.requests += 1;
    return () => {
      fact.requests -= 1;
      if (fact.requests === 0 && this.facts.get(handed.tag) === fact) this.facts.delete(handed.tag);
    };
  }

  /** The group that a future of this name would be added to. */
  #groupNamed(owner: UserId, name: string): GroupFact {
    const found = this.#groups.findLast((group) => group.owner === owner && group.name === name);
    if (found !== undefined && !(this.#exact && found.over)) return found;
    const group: GroupFact = { owner, name, futures: [], sendNow: null, over: false };
    this.#groups.push(group);
    return group;
  }

  /** What scheduling must answer in front of a homeserver inside. */
  expectedOfSchedule(owner: UserId, name: string | null, timeout: Ms | null): ScheduleAnswer['kind'] {
    if (name === null) return 'scheduled';
    if (this.#events.has(`${owner} ${name}`)) return 'conflict';
    const group = this.#groups.findLast((one) => one.owner === owner && one.name === name);
    return timeout === null && (group === undefined || group.over || group.futures.length === 0)
      ? 'conflict'
      : 'scheduled';
  }

  /** A conflict in front of a remote homeserver: the name is used up, an event of it may be on its way, or no timer may run. */
  mayConflict(owner: UserId, name: string, timeout: Ms | null, now: number): boolean {
    if (this.#events.has(`${owner} ${name}`)) return true;
    const members = [...this.facts.values()].filter(
      ({ group }) => group.owner === owner && group.name === name,
    );
    if (members.some((fact) => this.#mayBeUnderWay(fact, now))) return true;
    return (
      timeout === null &&
      !members.some((fact) => fact.acknowledged && fact.timeout !== null && !this.#mayBeDead(fact, now))
    );
  }

  scheduled(
    tag: number,
    name: string,
    tokens: FutureTokens,
    sendNow: EventId | null,
    now: number,
    lag: number,
  ): void {
    const known = this.facts.get(tag);
    if (known === undefined) return this.#wrong(`${tag} was made, and nobody asked for it`);
    if (known.acknowledged) return this.#replayed(known, name, tokens);
    if (this.#usedUpBefore(known, name)) this.#wrong(`${tag} was added to a group that has its event`);
    const group = this.#groupNamed(known.owner, name);
    group.sendNow = sendNow;
    const fact: Fact = {
      ...known,
      group,
      made: this.#states.length,
      tokens,
      acknowledged: true,
      lag,
      since: this.#exact ? now : known.since,
    };
    this.facts.set(tag, fact);
    group.futures.push(fact);
    // Its event may have come before anybody heard the name of its group.
    const event = this.#events.get(nameOf(known.group));
    if (event?.draft.content['tag'] === tag) this.#events.set(nameOf(group), event);
  }

  /** Was the name used up before this future was asked for? Its own event may have been quicker than the answer. */
  #usedUpBefore(fact: Fact, name: string): boolean {
    const event = this.#events.get(`${fact.owner} ${name}`);
    return event !== undefined && event.at < fact.since && event.draft.content['tag'] !== fact.tag;
  }

  #replayed(fact: Fact, name: string, tokens: FutureTokens): void {
    if (name !== fact.group.name) this.#wrong(`the repeated transaction of ${fact.tag} named another group`);
    if (JSON.stringify(tokens) !== JSON.stringify(fact.tokens))
      this.#wrong(`the repeated transaction of ${fact.tag} gave other tokens`);
  }

  /** Before a token is used: whether it is certainly dead already. */
  beginUse(fact: Fact, use: Use, stale: boolean): { readonly dead: boolean } {
    // In front of a remote one, what new state has ended may yet be told so by a cancel, when it was on its way.
    const over = fact.cancelled || fact.group.futures.some(({ sent }) => sent);
    const dead = stale || (use === 'cancel' && !this.#exact ? over : this.#dead(fact));
    if (use === 'send' && !stale) fact.sends += 1;
    return { dead };
  }

  used(
    fact: Fact,
    use: Use,
    stale: boolean,
    began: {
      readonly dead: boolean;
      readonly at: number;
      readonly powerless: boolean;
      readonly token: string;
    },
    answer: UseAnswer['kind'],
    now: number,
    lag: number,
  ): void {
    const { tag } = fact;
    const say = (what: string) => this.#wrong(`${use} of ${tag} was answered ${answer}: ${what}`);
    if (use === 'send' && !stale && answer !== 'undecided') fact.sends -= 1;
    if (this.#exact) {
      const expected = began.dead ? 'gone' : use === 'send' && began.powerless ? 'refused' : 'done';
      if (answer !== expected) return say(`it must be ${expected}`);
    } else {
      const event = this.#events.get(nameOf(fact.group));
      const own = event?.draft.content['tag'] === tag;
      const revoked = began.token !== fact.tokens?.[use];
      if (answer === 'gone' && !revoked && !this.#mayBeDead(fact, now)) say('nothing can have ended it');
      if (answer === 'done' && began.dead) say('it is dead');
      if (answer === 'done' && use === 'send' && !own) say('no event of it is in the room');
      if (answer === 'done' && use === 'cancel' && own) say('its event is in the room');
      if (answer === 'done' && use === 'refresh' && own && fact.sends === 0) say('its event is in the room');
      if (answer === 'limited' || answer === 'no-timer') say('never that');
      if (answer === 'undecided' && use !== 'send') say('only a send can be undecided');
      if (answer === 'refused' && use !== 'send') say('only a send can be refused');
    }
    if (answer === 'busy' && use === 'cancel') fact.doubted = true;
    if (answer !== 'done') return;
    if (use === 'refresh') {
      fact.since = Math.max(fact.since, began.at);
      fact.lag = lag;
    }
    if (use === 'cancel') fact.cancelled = true;
    if (use === 'send') fact.sent = true;
    this.#settle();
  }

  /** Nobody will ever hear what became of it. */
  lostUse(fact: Fact, use: Use): void {
    if (use === 'cancel') fact.doubted = true;
  }

  deactivated(user: UserId, at: number): void {
    this.#deactivated.set(user, at);
    this.#settle();
  }

  /** @param changed whose tokens are new, after the owner asked for that; `some`: it failed in the middle */
  listed(
    owner: UserId,
    futures: readonly { readonly tag: number; readonly tokens: FutureTokens; readonly groupName: string }[],
    changed: 'all' | 'some' | 'none',
    now: number,
  ): void {
    const tags = new Set(futures.map(({ tag }) => tag));
    for (const { tag, tokens, groupName } of futures) {
      const fact = this.facts.get(tag);
      if (fact === undefined) this.#wrong(`the list has ${tag}, which nobody asked for`);
      else if (fact.owner !== owner) this.#wrong(`the list has ${tag} of somebody else`);
      else if (this.#dead(fact) && (this.#exact || this.#ownDead(fact)) && !this.#doubtfullyListed(fact))
        this.#wrong(`the list has ${tag}, which is dead`);
      else if (fact.acknowledged) {
        if (fact.group.name !== groupName) this.#wrong(`the list has ${tag} in another group`);
        if (JSON.stringify(tokens) === JSON.stringify(fact.tokens)) {
          if (changed === 'all') this.#wrong(`${tag} has its old tokens still`);
          continue;
        }
        if (changed === 'none') this.#wrong(`the list has other tokens for ${tag}`);
        if (fact.tokens !== null) fact.stale.push(fact.tokens);
        fact.tokens = tokens;
      }
    }
    for (const fact of this.facts.values())
      if (fact.owner === owner && fact.acknowledged && !tags.has(fact.tag) && !this.#mayBeDead(fact, now))
        this.#wrong(`the list lacks ${fact.tag}`);
  }

  /** Lists tell by the future alone; that its group is over by rule L is written down within a second. */
  #doubtfullyListed(fact: Fact): boolean {
    return fact.timeout === null && fact.group.over && !this.#ownDead(fact);
  }

  sendNowOf(tag: number): EventId | null {
    return this.#sendNows.get(tag) ?? null;
  }

  get states(): number {
    return this.#states.length;
  }

  // --- what follows from it

  /** Nothing that is alive may be overdue for longer than `patience`, in front of a homeserver inside. */
  overdue(now: number, lag: number, patience: Ms): void {
    for (const fact of this.facts.values())
      if (fact.acknowledged && fact.timeout !== null && !this.#dead(fact))
        if (now > this.#due(fact) + (lag - fact.lag) + 1 + patience) this.#wrong(`${fact.tag} is overdue`);
  }

  /** After all troubles are over and all timers have run out. */
  ended(): void {
    for (const fact of this.facts.values()) {
      if (!fact.acknowledged || fact.timeout === null || this.#ownDead(fact)) continue;
      if (this.#events.has(nameOf(fact.group))) continue;
      const excused =
        fact.refused || fact.doubted || this.#statesOf(fact, fact.asked).length > 0 || fact.failed;
      if (!excused) this.#wrong(`${fact.tag} was acknowledged, and never came`);
    }
  }

  /** The instant, in real time, before which its timer may not send it. A hair of rounding is no earliness. */
  #due(fact: Fact): number {
    return fact.since + (fact.timeout ?? 0) - 1e-6;
  }

  /** New state that ends it, from the given place on. */
  #statesOf(fact: Fact, from: number): StateFact[] {
    if (fact.key === null || fact.generation === 'delayed-events') return [];
    return this.#states
      .slice(from)
      .filter(
        ({ key, sender }) => key === fact.key && (fact.generation === 'futures' || sender !== fact.owner),
      );
  }

  /** Ended by itself, whatever its group does. */
  #ownDead(fact: Fact): boolean {
    return (
      fact.cancelled ||
      fact.failed ||
      fact.sent ||
      this.#deactivated.has(fact.owner) ||
      this.#statesOf(fact, fact.made).length > 0
    );
  }

  /** Certainly dead. */
  #dead(fact: Fact): boolean {
    if (this.#ownDead(fact) || fact.group.futures.some(({ sent }) => sent)) return true;
    return this.#exact && (fact.group.over || this.#events.has(nameOf(fact.group)));
  }

  #mayBeUnderWay(fact: Fact, now: number): boolean {
    if (fact.sends > 0 || fact.doubted || fact.refused || !fact.acknowledged) return true;
    return fact.timeout !== null && now >= this.#due(fact);
  }

  #mayBeDead(fact: Fact, now: number): boolean {
    if (this.#dead(fact)) return true;
    if (this.#exact) return false;
    const members = [...this.facts.values()].filter(({ group }) => nameOf(group) === nameOf(fact.group));
    if (this.#events.has(nameOf(fact.group))) return true;
    if (members.some((member) => this.#mayBeUnderWay(member, now))) return true;
    if (this.#statesOf(fact, fact.asked).length > 0) return true;
    return (
      fact.timeout === null &&
      members.some((member) => member.timeout !== null && this.#mayBeDead(member, now))
    );
  }

  /** A group without an alive timeout future is over (rule L). */
  #settle(): void {
    for (const group of this.#groups)
      group.over ||=
        group.futures.length > 0 &&
        !group.futures.some((fact) => fact.timeout !== null && !this.#ownDead(fact));
  }

  #wrong(what: string): void {
    this.violations.push(what);
  }
}

function nameOf(group: GroupFact): string {
  return `${group.owner} ${group.name}`;
}

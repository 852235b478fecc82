/**
 * Holds what the load was told against what another user saw. Operations without an answer may have happened or not:
 * both are allowed. All operations of one group come from one sequence, each after the answer of the one before.
 */
import { accountOf } from './account.ts';
import { type AskedFuture, marksOf, type Operation, type Seen } from './operation.ts';

export interface Verdict {
  /** what must never be */
  readonly breaches: readonly string[];
  /** what must come, and has not yet */
  readonly missing: readonly string[];
  /** of every group with one of both: all that was asked and seen of it */
  readonly accounts: readonly string[];
}

/** @param timeline everything that was seen, the events of each room in their order */
export function judge(operations: readonly Operation[], timeline: readonly Seen[]): Verdict {
  const seen = Map.groupBy(timeline, ({ mark }) => mark);
  const groups = [...Map.groupBy(operations, ({ group }) => group)];
  const verdicts = groups.map(([name, sequence]) => new GroupTrial(name, sequence, seen, timeline).verdict());
  const asked = new Set(operations.flatMap(marksOf));
  return {
    breaches: [
      ...[...seen.keys()].filter((mark) => !asked.has(mark)).map((mark) => `${mark}: nobody asked for it`),
      ...verdicts.flatMap(({ breaches }) => breaches),
    ],
    missing: verdicts.flatMap(({ missing }) => missing),
    accounts: verdicts.flatMap(({ accounts }) => accounts),
  };
}

type Fate = 'yes' | 'no' | 'maybe';

/** The event of a group: which future's, and when it can have been sent at the earliest. */
interface Winner {
  readonly future: AskedFuture;
  readonly at: number;
  readonly earliest: number;
}

class GroupTrial {
  readonly #name: string;
  readonly #sequence: readonly Operation[];
  readonly #seen: ReadonlyMap<string, readonly Seen[]>;
  readonly #timeline: readonly Seen[];
  readonly #futures: readonly AskedFuture[];
  readonly #breaches: string[] = [];
  readonly #missing: string[] = [];

  constructor(
    name: string,
    sequence: readonly Operation[],
    seen: ReadonlyMap<string, readonly Seen[]>,
    timeline: readonly Seen[],
  ) {
    this.#name = name;
    this.#sequence = sequence;
    this.#seen = seen;
    this.#timeline = timeline;
    const asked = sequence.flatMap(({ futures }) => futures);
    this.#futures = [...new Map(asked.map((future) => [future.mark, future])).values()];
  }

  verdict(): Verdict {
    const winners = this.#futures.flatMap((future) => this.#winner(future) ?? []);
    const [winner = null] = winners;
    if (winners.length > 1)
      this.#breach(`several events: ${winners.map(({ future }) => future.mark).join(', ')}`);
    if (winner === null) this.#judgeAbsence();
    else this.#judgeWinner(winner);
    this.#judgeRefused();
    for (const [index, operation] of this.#sequence.entries())
      this.#judgeAnswer(operation, this.#sequence.slice(0, index), winner);
    this.#judgeRepeats();
    return { breaches: this.#breaches, missing: this.#missing, accounts: this.#accounts() };
  }

  #judgeRepeats(): void {
    for (const mark of new Set(this.#sequence.flatMap(marksOf))) {
      const { length } = this.#seen.get(mark) ?? [];
      if (length > 1) this.#breach(`${mark} is there ${length} times`);
    }
  }

  #accounts(): readonly string[] {
    const isClean = this.#breaches.length === 0 && this.#missing.length === 0;
    return isClean ? [] : [accountOf(this.#name, this.#sequence, this.#timeline)];
  }

  #winner(future: AskedFuture): Winner | null {
    const [event] = this.#seen.get(future.mark) ?? [];
    if (event === undefined) return null;
    const byHand = this.#about('send', future)
      .filter(mayHaveHappened)
      .map(({ sent }) => sent);
    return { future, at: event.at, earliest: Math.min(this.#earliestByTimer(future), ...byHand) };
  }

  /** The timeout after the last request that is known to have set it. */
  #earliestByTimer(future: AskedFuture): number {
    if (future.timeout === null) return Infinity;
    const refreshed = this.#about('refresh', future).filter(happened);
    const scheduled = this.#scheduling(future).filter(mayHaveHappened).slice(0, 1);
    return Math.max(...[...scheduled, ...refreshed].map(({ sent }) => sent)) + future.timeout;
  }

  #judgeWinner({ future, at, earliest }: Winner): void {
    const { mark } = future;
    if (at < earliest) this.#breach(`${mark} came ${(earliest - at).toFixed(1)} ms early`);
    if (this.#scheduled(future) === 'no') this.#breach(`${mark} was sent, though it was not taken in`);
    if (this.#about('cancel', future).some(happened)) this.#breach(`${mark} was sent, though cancelled`);
    const timed = this.#timed('maybe');
    if (timed.length > 0 && timed.every((one) => this.#about('cancel', one).some(happened)))
      this.#breach(`${mark} was sent, though the last timeout future was cancelled`);
    for (const { mark: other } of this.#sequence.filter((one) => one.kind === 'send' && happened(one)))
      if (other !== mark) this.#breach(`${mark} was sent, though ${other} was`);
    for (const state of this.#stateOf(future))
      if (this.#position(mark) > this.#position(state.mark)) this.#breach(`${mark} came after ${state.mark}`);
  }

  #judgeAbsence(): void {
    for (const { mark } of this.#sequence.filter((one) => one.kind === 'send' && happened(one)))
      this.#missing.push(`${this.#name}: ${mark} was sent by its token`);
    const due = this.#timed('yes').find((future) => this.#ended(future, this.#sequence) === 'no');
    if (due !== undefined) this.#missing.push(`${this.#name}: ${due.mark} is due`);
  }

  /** What was answered 503 is not to have happened. */
  #judgeRefused(): void {
    const plain = this.#sequence.filter(({ kind }) => kind === 'message' || kind === 'state');
    for (const [mark, attempts] of Map.groupBy(plain, (one) => one.mark))
      if (this.#seen.has(mark) && fateOf(attempts) === 'no')
        this.#breach(`${mark} was refused, and is there`);
    const batches = this.#sequence.filter(({ sendNow }) => sendNow !== null);
    const [{ sendNow } = { sendNow: null }] = batches;
    if (sendNow !== null && this.#seen.has(sendNow) && fateOf(batches) === 'no')
      this.#breach(`${sendNow} was refused, and is there`);
  }

  #judgeAnswer(operation: Operation, before: readonly Operation[], winner: Winner | null): void {
    const { kind, mark, answer, sendNow, sent } = operation;
    if (answer === null || answer.status === 503) return;
    const { status, at } = answer;
    const over = winner !== null && winner.earliest <= at;
    if (status === 200 && (kind === 'message' || kind === 'state')) {
      this.#expect(mark, answer.event);
    } else if (status === 200 && kind === 'schedule') {
      if (sendNow !== null) this.#expect(sendNow, answer.event);
    } else if (status === 200) {
      if (winner !== null && winner.at < sent)
        this.#breach(`${kind} of ${mark}: 200 after the event was seen`);
      if (this.#mustBeGone(mark, before)) this.#breach(`${kind} of ${mark}: 200 for a token that is used up`);
    } else if (status === 410 && ['refresh', 'send', 'cancel'].includes(kind)) {
      if (!over && !this.#mayBeGone(mark, before)) this.#breach(`${kind} of ${mark}: 410 without a reason`);
    } else if (status === 409 && kind === 'schedule') {
      if (!over) this.#breach(`${mark}: 409 without a reason`);
    } else {
      this.#breach(`${kind} of ${mark}: ${status}`);
    }
  }

  #expect(mark: string, event: string | null): void {
    const [found] = this.#seen.get(mark) ?? [];
    if (found === undefined) this.#missing.push(`${this.#name}: ${mark} was answered 200`);
    else if (event !== null && found.event !== event)
      this.#breach(`${mark} is ${found.event}, and was answered as ${event}`);
  }

  #mustBeGone(mark: string, before: readonly Operation[]): boolean {
    const future = this.#futures.find((one) => one.mark === mark);
    return (
      before.some((one) => one.kind === 'send' && happened(one)) ||
      before.some((one) => one.mark === mark && one.answer?.status === 410) ||
      this.#timed('maybe').every((one) => this.#ended(one, before) === 'yes') ||
      (future !== undefined && this.#ended(future, before) === 'yes')
    );
  }

  #mayBeGone(mark: string, before: readonly Operation[]): boolean {
    const gone = (future: AskedFuture): boolean => this.#ended(future, before) !== 'no';
    return (
      this.#timed('yes').every(gone) || this.#futures.some((future) => future.mark === mark && gone(future))
    );
  }

  /** The timeout futures that were taken in, or also those that may have been. */
  #timed(least: 'yes' | 'maybe'): readonly AskedFuture[] {
    const fates: readonly Fate[] = least === 'yes' ? ['yes'] : ['yes', 'maybe'];
    return this.#futures.filter((one) => one.timeout !== null && fates.includes(this.#scheduled(one)));
  }

  #scheduled(future: AskedFuture): Fate {
    const requests = this.#scheduling(future);
    const [{ sendNow } = { sendNow: null }] = requests;
    if (sendNow !== null) return this.#seen.has(sendNow) ? 'yes' : 'no';
    return fateOf(requests);
  }

  /** Was it cancelled, or overtaken by state? */
  #ended(future: AskedFuture, by: readonly Operation[]): Fate {
    const cancels = by.filter((one) => one.kind === 'cancel' && one.mark === future.mark);
    return fateOf([...cancels, ...this.#stateOf(future).filter((one) => by.includes(one))]);
  }

  /** The plain state events of its key that are, or may still turn out to be, in the room. */
  #stateOf(future: AskedFuture): readonly Operation[] {
    return future.isState
      ? this.#sequence.filter((one) => one.kind === 'state' && (happened(one) || this.#seen.has(one.mark)))
      : [];
  }

  #scheduling(future: AskedFuture): readonly Operation[] {
    return this.#sequence.filter(({ futures }) => futures.some(({ mark }) => mark === future.mark));
  }

  #about(kind: Operation['kind'], future: AskedFuture): readonly Operation[] {
    return this.#sequence.filter((one) => one.kind === kind && one.mark === future.mark);
  }

  #position(mark: string): number {
    return this.#timeline.findIndex((one) => one.mark === mark);
  }

  #breach(what: string): void {
    this.#breaches.push(`${this.#name}: ${what}`);
  }
}

function happened({ answer }: Operation): boolean {
  return answer?.status === 200;
}

function mayHaveHappened({ answer }: Operation): boolean {
  return answer === null || answer.status === 200;
}

function fateOf(operations: readonly Operation[]): Fate {
  if (operations.some(happened)) return 'yes';
  return operations.some(mayHaveHappened) ? 'maybe' : 'no';
}

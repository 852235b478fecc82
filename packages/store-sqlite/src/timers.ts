import { type Capability, deadlineAfter, type FutureId, type Instant } from '@matrix-futures/engine';
import type { Turn } from '@matrix-futures/sqlite';
import { TimerWheel } from '@matrix-futures/timers';
import { TimerColumns } from './timer-columns.ts';
import type { Timer } from './timer-columns.ts';
import { codeOf, generations } from './words.ts';

/** A timer that has run out. */
export interface RunOut {
  readonly at: Instant;
  readonly id: FutureId;
}

/** How many of one millisecond are put into the order of their ids, beyond the limit that was asked for. */
const TIES = 1_024;

/**
 * The scheduled futures that have a deadline: what a refresh is judged by without asking the database, and the wheel
 * that says which are due. Every change is registered with the turn, so that it is undone with its unit.
 */
export class Timers {
  readonly #turn: Turn;
  readonly #columns = new TimerColumns();
  readonly #wheel: TimerWheel;

  constructor(turn: Turn, now: Instant) {
    this.#turn = turn;
    this.#wheel = new TimerWheel({ now });
  }

  /** how many run */
  get size(): number {
    return this.#wheel.size;
  }

  read(id: FutureId): Timer | null {
    const slot = this.#columns.find(id);
    return slot < 0 ? null : this.#columns.read(slot);
  }

  /** null: it has no timer that runs or is stopped */
  deadlineOf(id: FutureId): Instant | null {
    const slot = this.#columns.find(id);
    return slot < 0 ? null : (this.#columns.chunk(slot).deadline[this.#columns.at(slot)] ?? null);
  }

  put(timer: Timer): void {
    const before = this.read(timer.id);
    this.#turn.onUndo(() => this.#set(timer.id, before));
    this.#set(timer.id, timer);
  }

  remove(id: FutureId): void {
    const before = this.read(id);
    if (before === null) return;
    this.#turn.onUndo(() => this.#set(id, before));
    this.#set(id, null);
  }

  #set(id: FutureId, timer: Timer | null): void {
    if (timer !== null) {
      const slot = this.#columns.write(timer);
      if (timer.frozen) this.#wheel.cancel(slot);
      else this.#wheel.set(slot, timer.deadline);
      return;
    }
    const slot = this.#columns.find(id);
    if (slot < 0) return;
    this.#wheel.cancel(slot);
    this.#columns.remove(slot);
  }

  /** The slot of a timer that this capability may restart, as far as timers know; −1: none. */
  slotOf({ future, nonce, generation }: Capability): number {
    const slot = this.#columns.find(future);
    if (slot < 0) return -1;
    const chunk = this.#columns.chunk(slot);
    const at = this.#columns.at(slot);
    const kind = chunk.kind[at] ?? 0;
    // A frozen one has a bit more than any generation, so it fits none.
    const fits = generation === null ? kind < generations.length : kind === codeOf(generations, generation);
    const known = chunk.nonceHigh[at] === nonce.high && chunk.nonceLow[at] === nonce.low;
    return fits && known && !Number.isNaN(chunk.timeout[at]) ? slot : -1;
  }

  idAt(slot: number): FutureId {
    return this.#columns.chunk(slot).id[this.#columns.at(slot)] ?? 0;
  }

  ownerAt(slot: number): number {
    return this.#columns.chunk(slot).owner[this.#columns.at(slot)] ?? 0;
  }

  stateKeyAt(slot: number): number {
    return this.#columns.chunk(slot).stateKey[this.#columns.at(slot)] ?? 0;
  }

  aliveUpToAt(slot: number): number {
    return this.#columns.chunk(slot).aliveUpTo[this.#columns.at(slot)] ?? 0;
  }

  /** Found alive after all state up to `order`. Undone with the unit, in which that state may have arrived. */
  noteAlive(slot: number, order: number): void {
    this.put({ ...this.#columns.read(slot), aliveUpTo: order });
  }

  /** Starts the timer in `slot` anew. */
  restart(slot: number, now: Instant, journal: number): Instant {
    const chunk = this.#columns.chunk(slot);
    const at = this.#columns.at(slot);
    const id = chunk.id[at] ?? 0;
    const deadlineBefore = chunk.deadline[at] ?? 0;
    const sinceBefore = chunk.since[at] ?? 0;
    const journalBefore = chunk.journal[at] ?? 0;
    this.#turn.onUndo(() => this.#restore(id, deadlineBefore, sinceBefore, journalBefore));
    const deadline = deadlineAfter(now, chunk.timeout[at] ?? 0);
    chunk.deadline[at] = deadline;
    chunk.since[at] = now;
    chunk.journal[at] = journal;
    this.#wheel.set(slot, deadline);
    return deadline;
  }

  #restore(id: FutureId, deadline: Instant, since: Instant, journal: number): void {
    const timer = this.read(id);
    if (timer !== null) this.#set(id, { ...timer, deadline, since, journal });
  }

  /**
   * Takes out what is due, by deadline and then id: at most `limit`, and possibly fewer although more are due. `arm`
   * them when they were dealt with, those that are gone too.
   */
  take(now: Instant, limit: number): readonly RunOut[] {
    const due: RunOut[] = [];
    const visit = (slot: number, at: Instant) => due.push({ at, id: this.idAt(slot) });
    this.#wheel.expire(now, limit, visit);
    // The wheel orders one millisecond by slot, which is the order of ids only until slots are used again.
    const last = due.at(-1);
    if (last !== undefined && due.length === limit) this.#wheel.expire(last.at, TIES, visit);
    due.sort((one, other) => one.at - other.at || one.id - other.id);
    for (const { id } of due.splice(limit)) this.arm(id);
    this.#turn.onUndo(() => {
      for (const { id } of due) this.arm(id);
    });
    return due;
  }

  /** Lets the timer run, if it is there and its group is open. */
  arm(id: FutureId): void {
    const timer = this.read(id);
    if (timer !== null) this.#set(id, timer);
  }

  next(): Instant | null {
    return this.#wheel.next();
  }

  /** At start: takes a timer in, without arming it. */
  load(timer: Timer): void {
    this.#columns.write(timer);
  }

  /** At start, latest entry first: what the journal says of a timer. NaN: its row has everything. */
  replay(id: FutureId, deadline: Instant, journal: number): void {
    const slot = this.#columns.find(id);
    if (slot < 0) return;
    const chunk = this.#columns.chunk(slot);
    const at = this.#columns.at(slot);
    if (chunk.journal[at] !== 0) return;
    chunk.journal[at] = journal;
    if (Number.isNaN(deadline)) return;
    chunk.deadline[at] = deadline;
    chunk.since[at] = deadline - (chunk.timeout[at] ?? 0);
  }

  /** At start: the group of this one is claimed. */
  loadFrozen(id: FutureId): void {
    const timer = this.read(id);
    if (timer !== null) this.#columns.write({ ...timer, frozen: true });
  }

  /** At start, when everything was taken in. */
  armAll(): void {
    for (let slot = 0; slot < this.#columns.end; slot += 1) {
      const chunk = this.#columns.chunk(slot);
      const at = this.#columns.at(slot);
      if (chunk.id[at] !== 0 && (chunk.kind[at] ?? 0) < generations.length)
        this.#wheel.set(slot, chunk.deadline[at] ?? 0);
    }
  }
}

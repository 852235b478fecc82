import type { Cancel, Clock, Instant, Ms, Timers } from './clock.ts';
import type { Claimed, Delivery } from './delivery/delivery.ts';
import type { FutureId } from './future.ts';
import type { Group, GroupId } from './group.ts';
import { type LastSync, refreshedBySyncs } from './rules/heartbeat.ts';
import type { DecideDue, Decision, FutureStore, World } from './store.ts';

/** A commit of firing is at most this many groups, so that the events of one do not hold up the next refreshes. */
const groupsAtOnce = 16;
/** At most this long is spent on firing before requests have their turn again. */
const turnLimit: Ms = 4;
/** `setTimeout` counts in 32 bits; nothing is lost by looking once a day. */
const longestSleep: Ms = 86_400_000;
const retryAfterFailure: Ms = 250;
const afterThrowing: Ms = 5_000;
/**
 * Something is due, but waits for a delivery of its room. What becomes due in other rooms meanwhile is not announced,
 * since the store tells the first deadline only, so it is looked for this often.
 */
const retryWhenStuck: Ms = 100;

/**
 * Wakes when a deadline is reached, and lets what is due be sent. All it knows is in the store: wake-ups are hints,
 * one too many does nothing, and one too few is made good by the next.
 *
 * ```
 *   stopped ── start ──▶ about to run ── waiting input was read ──▶ running
 *                          ▲  ▲                                      │  │
 *                          │  └────── more can be sent by now ───────┘  │ nothing more can
 *                          └────── its time has come ────── asleep ◀────┘
 * ```
 * Asleep until the next deadline, which `wake` may bring nearer; for `retryWhenStuck` where what is due has to wait for
 * its room; for `retryAfterFailure` where a step failed, and then nothing wakes it sooner.
 */
export class Firing {
  readonly #store: FutureStore;
  readonly #delivery: Delivery;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #lastSync: LastSync;
  readonly #onError: (error: unknown) => void;
  #armedFor = Infinity;
  /** how many groups the next step looks at: more, while all that it saw must wait */
  #atOnce = groupsAtOnce;
  #cancel: Cancel | null = null;
  #running = false;
  #stopped = true;
  #failed = false;
  readonly #throwing = new Map<GroupId, Instant>();

  constructor(parts: {
    readonly store: FutureStore;
    readonly delivery: Delivery;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly lastSync: LastSync;
    readonly onError: (error: unknown) => void;
  }) {
    this.#store = parts.store;
    this.#delivery = parts.delivery;
    this.#clock = parts.clock;
    this.#timers = parts.timers;
    this.#lastSync = parts.lastSync;
    this.#onError = parts.onError;
    this.#store.onHint(() => this.wake());
  }

  /** Requests that are already waiting come first, so that a refresh that made it in time counts. */
  start(): void {
    this.#stopped = false;
    this.#armSoon();
  }

  stop(): void {
    this.#stopped = true;
    this.#disarm();
  }

  /** Something may be due earlier than was known. */
  wake(): void {
    if (this.#stopped || this.#running || this.#failed) return;
    const next = this.#store.nextDue();
    if (next !== null && next < this.#armedFor) this.#arm(next - this.#clock.now());
  }

  #arm(delay: Ms): void {
    this.#disarm();
    this.#armedFor = this.#clock.now() + delay;
    // The timer only leads to `soon`, so that what the sockets hold by then is read before anything fires.
    this.#cancel = this.#timers.after(Math.min(Math.max(delay, 0), longestSleep), () => this.#armSoon());
  }

  #armSoon(): void {
    this.#disarm();
    this.#armedFor = -Infinity;
    this.#cancel = this.#timers.soon(() => void this.#run());
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#armedFor = Infinity;
  }

  async #run(): Promise<void> {
    this.#disarm();
    if (this.#stopped || this.#running) return;
    this.#running = true;
    this.#failed = false;
    let moved = false;
    try {
      const began = this.#clock.now();
      do {
        moved = await this.#step();
      } while (moved && this.#isDue() && this.#clock.now() - began < turnLimit);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#running = false;
    }
    if (!this.#stopped && !this.#failed) this.#rearm(moved);
  }

  /**
   * One bounded piece of work; false: nothing can be done about what is due. An in-process store has done it before it
   * returns: what is claimed begins at once, so that the homeserver is asked while the claim is being committed, and
   * where nothing has to begin the commit is not waited for.
   */
  async #step(): Promise<boolean> {
    if (!this.#delivery.ready()) return false;
    const { decide, passOver } = this.#delivery.round();
    const limit = this.#atOnce;
    let offered = 0;
    let unchanged = 0;
    let passedOver = 0;
    const decided: (Claimed | null)[] = [];
    const changed = this.#store.changeDue(
      limit,
      (group, due, world) => {
        const decision = this.#decide(decide, group, due, world);
        offered += 1;
        if (decision.next === group) unchanged += 1;
        decided.push(decision.answer);
        return decision;
      },
      (future) => {
        const waits = passOver(future);
        if (waits) passedOver += 1;
        return waits;
      },
    );
    const begin = (claimed: readonly (Claimed | null)[]): void => {
      for (const one of claimed) if (one !== null) this.#delivery.begin(one, changed);
    };
    if (this.#delivery.atOnce) changed.catch((error: unknown) => this.#fail(error));
    else if (this.#store.unit === 'in-process') {
      begin(decided);
      await changed;
    } else begin(await changed);
    // Nothing offered is not "stuck": a store that puts a million overdue timers in order does so over several calls.
    const stuck = offered + passedOver > 0 && unchanged === offered;
    // Nor is a full page of those that must wait: what may be sent can stand behind them.
    const hidden = stuck && offered >= limit;
    this.#atOnce = hidden ? limit * 2 : groupsAtOnce;
    return hidden || !stuck;
  }

  /** One group that cannot be decided over must not hold up the others: after it threw, it is passed over for a while. */
  #decide(
    decide: DecideDue<Claimed | null>,
    group: Group,
    due: FutureId | null,
    world: World,
  ): Decision<Claimed | null> {
    const passedOverUntil = this.#throwing.get(group.id) ?? -Infinity;
    if (world.now < passedOverUntil) return { next: group, answer: null };
    this.#throwing.delete(group.id);
    try {
      const refreshed = refreshedBySyncs(group, due, this.#lastSync, world);
      return refreshed === null ? decide(group, due, world) : { next: refreshed, answer: null };
    } catch (error) {
      this.#throwing.set(group.id, world.now + afterThrowing);
      throw error;
    }
  }

  #rearm(moved: boolean): void {
    const next = this.#store.nextDue();
    if (next === null) return;
    if (!this.#isDue()) this.#arm(next - this.#clock.now());
    else if (moved) this.#armSoon();
    else this.#arm(retryWhenStuck);
  }

  #isDue(): boolean {
    const next = this.#store.nextDue();
    return next !== null && next <= this.#clock.now();
  }

  #fail(error: unknown): void {
    this.#onError(error);
    if (this.#stopped) return;
    this.#failed = true;
    this.#arm(retryAfterFailure);
  }
}

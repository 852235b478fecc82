import type { Ms } from '../clock.ts';
import type { Draft, RoomId, UserId } from '../event.ts';
import type { Future, FutureId } from '../future.ts';
import { heldFuture, type Holder } from '../holder.ts';
import type { Group, GroupId } from '../group.ts';
import type { Limits } from '../limits.ts';
import { newFuture, newGroup, overLimit, type OverLimit } from '../rules/add.ts';
import {
  claim,
  claimByHand,
  claimDue,
  resume,
  takeOver,
  type Claimant,
  type SendAnswer,
} from '../rules/claim.ts';
import { draftOf } from '../rules/attempt.ts';
import type { DecideDue, World } from '../store.ts';
import { Attempts, type AttemptParts } from './attempts.ts';
import {
  type BatchAnswer,
  type Claimed,
  type Delivery,
  type NewBatch,
  type Round,
  type UseAnswer,
} from './delivery.ts';
import { dispatchOf, memoryOf } from './dispatch.ts';
import { Leases } from './leases.ts';
import { Line } from './line.ts';
import { Timestamps } from './timestamps.ts';

/** How long an action waits for a delivery that is under way in its group. */
const patience: Ms = 10_000;

/** A due future that had to wait when it was offered. */
interface Waiting {
  readonly room: RoomId;
  readonly id: GroupId;
  readonly owner: UserId;
}

/** Of more than these the groups are read again: as many as a hundred users can have pending. */
const mostWaiting = 100_000;

/** The homeserver is elsewhere: claim, attempt, look, settle. */
export class RemoteDelivery implements Delivery {
  readonly #parts: AttemptParts;
  readonly #limits: Limits;
  readonly #onOver: () => void;
  readonly #onError: (error: unknown) => void;
  readonly #running = new Map<GroupId, Attempts>();
  readonly #leases: Leases;
  readonly #timestamps = new Timestamps();
  /** A burst of a thousand for one room is not read anew whenever one of them has been sent. */
  readonly #waiting = new Map<FutureId, Waiting>();

  /** @param hooks `onOver`: a delivery ended, so a later one of its room may be due. `onError`: a defect, to be logged */
  constructor(
    parts: Omit<AttemptParts, 'line'>,
    limits: Limits,
    hooks: { readonly onOver: () => void; readonly onError: (error: unknown) => void },
  ) {
    this.#parts = { ...parts, line: new Line(parts.options.concurrency, parts.options.perOwner) };
    this.#limits = limits;
    this.#onOver = hooks.onOver;
    this.#onError = hooks.onError;
    this.#leases = new Leases(parts, this.#running, hooks.onError);
    parts.homeserver.onReturn(() => {
      for (const attempts of this.#running.values()) attempts.hurry();
    });
  }

  certainOf(group: Group): boolean {
    const attempts = this.#running.get(group.id);
    return attempts !== undefined && attempts.epoch === group.epoch && attempts.certain;
  }

  readonly atOnce = false;

  ready(): boolean {
    return this.#places().length < this.#parts.options.concurrency;
  }

  /** The owners of the deliveries that hold up others by their number, once for each. */
  #places(): UserId[] {
    return [...this.#running.values()].flatMap(({ takesPlace, owner }) => (takesPlace ? [owner] : []));
  }

  round(): Round {
    const { concurrency, perOwner } = this.#parts.options;
    // Deliveries that left their room's queue hold up nobody.
    const running = [...this.#running.values()];
    const busy = new Set(running.flatMap(({ inQueue, room }) => (inQueue ? [room] : [])));
    const places = this.#places();
    // What this round claims begins when it is over, and a remote store may decide it all a second time.
    const claimedNow = new Map<RoomId, { readonly id: GroupId; readonly owner: UserId }>();
    /** An earlier one of the room is on its way, or there are as many deliveries as there may be. */
    const mustWait = (room: RoomId, { id, owner }: Pick<Group, 'id' | 'owner'>): boolean => {
      if (busy.has(room)) return true;
      const before = claimedNow.get(room);
      if (before !== undefined) return before.id !== id;
      const taken = [...places, ...Array.from(claimedNow.values(), (group) => group.owner)];
      const own = taken.filter((other) => other === owner);
      return taken.length >= concurrency || own.length >= perOwner;
    };
    const passOver = (future: FutureId): boolean => {
      const waits = this.#waiting.get(future);
      return waits !== undefined && mustWait(waits.room, waits);
    };
    const decide: DecideDue<Claimed | null> = (group, id, world) => {
      const unchanged = { next: group, answer: null };
      if (id === null) {
        const next = this.#takenUp(group, world);
        return next === group ? unchanged : { next, answer: { group: next, fresh: false } };
      }
      const future = group.futures.find((member) => member.id === id);
      if (future === undefined) return unchanged;
      const { room } = future.draft;
      if (mustWait(room, group)) {
        this.#noteWaiting(future.id, { room, id: group.id, owner: group.owner });
        return unchanged;
      }
      this.#waiting.delete(future.id);
      const claimant = this.#claimant(world, group.id, future.draft, future);
      const { next, claimed } = claimDue(group, id, claimant, world);
      if (claimed) claimedNow.set(future.draft.room, group);
      return { next, answer: claimed ? { group: next, fresh: true } : null };
    };
    return { decide, passOver };
  }

  #noteWaiting(future: FutureId, waiting: Waiting): void {
    if (this.#waiting.size >= mostWaiting) this.#waiting.clear();
    this.#waiting.set(future, waiting);
  }

  /** A lease ran out: our own claim goes on, another node's is taken over once its last request must be dead. */
  #takenUp(group: Group, world: World): Group {
    const { node, lease, requestLimit } = this.#parts.options;
    if (group.claim === null || this.#running.has(group.id)) return group;
    const leaseEnd = world.now + lease;
    if (group.claim.node === node) return resume(group, node, leaseEnd);
    return world.now >= group.claim.leaseEnd + requestLimit ? takeOver(group, node, leaseEnd) : group;
  }

  begin({ group, fresh }: Claimed, commit: Promise<unknown>): void {
    const attempts = this.#run(group, fresh);
    commit.catch(() => attempts.release());
  }

  committed(group: Group): void {
    const attempts = this.#running.get(group.id);
    if (attempts === undefined) return;
    if (group.claim === null || group.epoch !== attempts.epoch) attempts.release();
    // Somebody waits to hear whether it can still be called off.
    else if (group.claim.doomed !== null) attempts.hurry();
  }

  #run(claimed: Group, fresh: boolean): Attempts {
    const attempts = new Attempts(this.#parts, dispatchOf(claimed), fresh);
    this.#running.set(claimed.id, attempts);
    this.#leases.keep();
    void attempts.over.catch(this.#onError).finally(() => {
      if (this.#running.get(claimed.id) === attempts) this.#running.delete(claimed.id);
      this.#onOver();
    });
    return attempts;
  }

  async send(holder: Holder): Promise<UseAnswer> {
    const { clock, store } = this.#parts;
    const until = clock.now() + patience;
    for (;;) {
      const { answer, group } = await store.change<{ answer: SendAnswer; group: Group | null }>(
        { by: 'future', future: holder.future },
        (found, world) => {
          const future = heldFuture(found, holder);
          if (found === null || future === null)
            return { next: found, answer: { answer: { kind: 'gone' }, group: null } };
          const decided = claimByHand(
            found,
            future.id,
            this.certainOf(found),
            this.#claimant(world, found.id, future.draft, null),
            world,
          );
          return { next: decided.next, answer: { answer: decided.answer, group: decided.next } };
        },
      );
      if (group !== null) this.committed(group);
      if (answer.kind === 'gone' || group === null) return { kind: 'gone' };
      const left = until - clock.now();
      if (answer.kind === 'wait') {
        if (left <= 0) return { kind: 'busy' };
        await this.over(group, left);
        continue;
      }
      const mine = answer.kind === 'claimed';
      const attempts = mine ? this.#run(group, true) : this.#running.get(group.id);
      if (attempts === undefined) return { kind: 'undecided' };
      // The first attempt of an own claim has its limit; what is joined may be backing off for a long time.
      const first = mine ? await attempts.first : await this.#within(left, attempts.first);
      if (first === null) return { kind: 'undecided' };
      if (first.kind === 'sent') return { kind: 'done' };
      if (first.kind !== 'released') return first;
      if (left <= 0) return { kind: 'busy' };
    }
  }

  async over(group: Group, limit: Ms): Promise<void> {
    await this.#within(limit, this.#running.get(group.id)?.ended ?? new Promise<never>(() => {}));
  }

  /** null: it took longer. */
  async #within<T>(limit: Ms, awaited: Promise<T>): Promise<T | null> {
    const late = Promise.withResolvers<null>();
    const cancel = this.#parts.timers.after(limit, () => late.resolve(null));
    try {
      return await Promise.race([awaited, late.promise]);
    } finally {
      cancel();
    }
  }

  async openBatch(batch: NewBatch): Promise<BatchAnswer> {
    const { store } = this.#parts;
    const staged = await store.change<{ group: Group | null; over: OverLimit | null; mine?: true }>(
      { by: 'name', owner: batch.owner, name: batch.scope },
      (found, world) => {
        if (found !== null) return { next: found, answer: { group: found, over: null } };
        const over = overLimit(batch.futures, 0, world, this.#limits);
        if (over !== null) return { next: null, answer: { group: null, over } };
        const group = this.#stage(batch, world);
        const answer = { group, over: null, mine: true } as const;
        return batch.sendNow === null
          ? { next: group, remember: memoryOf(group, null, world.now), answer }
          : { next: group, answer };
      },
    );
    if (staged.over !== null) return staged.over;
    const { group } = staged;
    if (group === null) return { kind: 'undecided' };
    if (batch.sendNow !== null) {
      // One that was staged before, and is not on its way here, may be on its way from another node.
      const first = staged.mine
        ? await this.#run(group, true).first
        : await this.#within(patience, this.#running.get(group.id)?.first ?? Promise.resolve(null));
      if (first?.kind === 'refused' || first?.kind === 'undecided') return first;
    }
    const memory = await store.recall(batch.scope);
    const opened = await store.change({ by: 'id', group: group.id }, (found) => ({
      next: found,
      answer: found,
    }));
    if (opened === null || opened.phase === 'staged') return { kind: 'undecided' };
    if (memory === null) return { kind: 'conflict', why: 'already-sent' };
    return { kind: 'opened', memory, futures: opened.futures };
  }

  #stage(batch: NewBatch, world: World): Group {
    const futures = batch.futures.map((asked): Future => newFuture(asked, world.newFutureId(), world));
    const group = newGroup(batch.owner, batch.scope, futures, world);
    if (batch.sendNow === null) return group;
    const staged: Group = {
      ...group,
      phase: 'staged',
      sendNow: batch.sendNow,
      futures: futures.map((future) => ({ ...future, status: 'staged', deadline: null })),
    };
    const claimant = this.#claimant(world, group.id, batch.sendNow, null);
    return claim(staged, null, 'token', claimant, world.now);
  }

  /** Takes up what a predecessor under the same name left: it is dead, but its last attempt may not be. */
  async start(): Promise<void> {
    const { store, options } = this.#parts;
    for (const group of await store.claimed()) {
      const { claim: left, id } = group;
      const draft = draftOf(group);
      if (left?.node !== options.node || draft === null) continue;
      this.#timestamps.note(draft, left.timestamp, id);
      const resumed = await store.change({ by: 'id', group: id }, (found, world) => {
        const next = found && this.#takenUp(found, world);
        return { next, answer: next === found ? null : next };
      });
      if (resumed !== null) this.#run(resumed, false);
    }
  }

  async stop(): Promise<void> {
    this.#leases.stop();
    const running = [...this.#running.values()];
    for (const attempts of running) attempts.stop();
    await Promise.allSettled(running.map(({ over }) => over));
  }

  /**
   * @param due what its timer sends, or null. An event of the delay parameter carries the time it was scheduled for,
   * every other the instant of its first attempt; and what names its own time, that
   */
  #claimant(world: World, group: GroupId, draft: Draft, due: Future | null): Claimant {
    const { clock, options } = this.#parts;
    const late =
      due?.generation === 'delay-parameter' && due.deadline !== null ? world.now - due.deadline : 0;
    const timestamp = draft.extras.ts ?? this.#timestamps.give(draft, Math.round(clock.wall() - late), group);
    return { node: options.node, leaseEnd: world.now + options.lease, timestamp };
  }
}

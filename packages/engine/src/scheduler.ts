import type { Clock, Ms, Randomness } from './clock.ts';
import type { Delivery } from './delivery/delivery.ts';
import { stateKeyOf, type Draft, type UserId } from './event.ts';
import type { Future } from './future.ts';
import type { TransactionMemory } from './group.ts';
import type { Homeserver } from './homeserver.ts';
import { longestTimeout, type Limits } from './limits.ts';
import { newNonce } from './nonce.ts';
import { addFuture, type AddAnswer, type NewFuture } from './rules/add.ts';
import {
  tokensOf,
  type BatchRequest,
  type ScheduleAnswer,
  type Scheduled,
  type ScheduleRequest,
} from './scheduling.ts';
import type { Decide, FutureStore } from './store.ts';
import { longestEventId, mentionsSendNow, withSendNow } from './template.ts';
import type { Tokens } from './tokens.ts';
import { UserRate } from './user-rate.ts';

export interface SchedulerParts {
  readonly store: FutureStore;
  readonly homeserver: Homeserver;
  readonly delivery: Delivery;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly tokens: Tokens;
  readonly limits: Limits;
}

/** Takes in new futures, one at a time or a whole group at once. */
export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #rate: UserRate;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.#rate = new UserRate(parts.limits.schedulesPerSecond, parts.limits.scheduleBurst);
  }

  /** Schedules one future. Whether the room will want it is judged when it is sent, only its form now. */
  async one(request: ScheduleRequest): Promise<ScheduleAnswer> {
    const { store, limits } = this.#parts;
    const { owner, draft, timeout, scope } = request;
    const wrong = this.#tooFast(owner, 1) ?? this.#tooLong(timeout) ?? this.#badForm(draft);
    if (wrong !== null) return wrong;
    const { generation, heartbeat = null } = request;
    const asked = await this.#newFuture({ generation, draft, action: null, timeout, heartbeat }, owner);
    const groupName = request.groupName ?? this.#freshName();
    const add: Decide<ScheduleAnswer | Extract<AddAnswer, { kind: 'closed' }>> = (found, world) => {
      const { next, answer } = addFuture(found, owner, groupName, asked, world, limits);
      if (answer.kind !== 'added') return { next, answer };
      const memory: TransactionMemory = {
        scope: scope ?? '',
        at: world.now,
        groupName,
        futures: [{ id: answer.future, action: null }],
        sendNow: null,
      };
      const futures = answer.group.futures.filter(({ id }) => id === answer.future);
      return {
        next,
        ...(scope === null ? {} : { remember: memory }),
        answer: this.answerOf(memory, futures),
      };
    };
    for (;;) {
      const answer = await store.change({ by: 'name', owner, name: groupName }, add);
      if (answer.kind !== 'closed') return answer;
    }
  }

  /** Schedules a whole group, and sends one event, in one step: all or nothing. */
  async batch(request: BatchRequest): Promise<ScheduleAnswer> {
    const { owner, sendNow, sendOnTimeout, sendOnAction, timeout, heartbeat = null, scope } = request;
    const tooMuch = this.#tooFast(owner, 1 + sendOnAction.size) ?? this.#tooLong(timeout);
    if (tooMuch !== null) return tooMuch;
    for (const draft of [sendOnTimeout, ...sendOnAction.values(), ...(sendNow ? [sendNow] : [])]) {
      if (sendNow === null && mentionsSendNow(draft.content)) return { kind: 'nothing-to-refer-to' };
      const wrong = this.#badForm({ ...draft, content: withSendNow(draft.content, longestEventId) });
      if (wrong !== null) return wrong;
    }
    const generation = 'futures';
    const futures = await Promise.all([
      this.#newFuture({ generation, draft: sendOnTimeout, action: null, timeout, heartbeat }, owner),
      ...Array.from(sendOnAction, ([action, draft]) =>
        this.#newFuture({ generation, draft, action, timeout: null }, owner),
      ),
    ]);
    const answer = await this.#parts.delivery.openBatch({ owner, sendNow, futures, scope });
    return answer.kind === 'opened' ? this.answerOf(answer.memory, answer.futures) : answer;
  }

  /** With a token's secret, and the fence of a state future: what is read here is not newer than it. */
  async #newFuture(asked: Omit<NewFuture, 'fence' | 'nonce'>, owner: UserId): Promise<NewFuture> {
    const { homeserver } = this.#parts;
    const nonce = newNonce(this.#parts.randomness);
    const key = stateKeyOf(asked.draft);
    if (key === null || homeserver.kind === 'local') return { ...asked, nonce, fence: { kind: 'untold' } };
    return { ...asked, nonce, fence: await homeserver.fence(key, owner) };
  }

  /** What a transaction answers, the first time and every time it is repeated. */
  answerOf(memory: TransactionMemory, futures: readonly Future[]): Scheduled {
    const actionOf = new Map(memory.futures.map(({ id, action }) => [id, action]));
    return {
      kind: 'scheduled',
      groupName: memory.groupName,
      futures: futures.map((future) => ({
        action: actionOf.get(future.id) ?? null,
        tokens: tokensOf(future, this.#parts.tokens),
      })),
      sendNow: memory.sendNow,
    };
  }

  /** Judged first, and without asking the store: to refuse is to cost less than to serve. */
  #tooFast(owner: UserId, count: number): ScheduleAnswer | null {
    const { limits, clock } = this.#parts;
    const retryAfter = limits.perUser ? this.#rate.exceeded(owner, count, clock.now()) : null;
    return retryAfter === null ? null : { kind: 'too-fast', retryAfter };
  }

  #tooLong(timeout: Ms | null): ScheduleAnswer | null {
    const maximum = this.#parts.limits.maxTimeout || longestTimeout;
    return timeout !== null && timeout > maximum ? { kind: 'too-long', maximum } : null;
  }

  #badForm(draft: Draft): ScheduleAnswer | null {
    const error = this.#parts.homeserver.judgeForm(draft);
    return error === null ? null : { kind: 'refused', error };
  }

  #freshName(): string {
    return Buffer.from(this.#parts.randomness.bytes(16)).toString('base64url');
  }
}

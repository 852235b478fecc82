import type { Instant, Ms } from '../clock.ts';
import { stateKeyOf, type Draft, type UserId } from '../event.ts';
import type { Fence, Future, FutureId, Generation, Nonce } from '../future.ts';
import type { Group } from '../group.ts';
import type { Limits } from '../limits.ts';
import type { World } from '../store.ts';
import { bury } from './bury.ts';

/** A future as its owner asks for it. */
export interface NewFuture {
  readonly generation: Generation;
  readonly draft: Draft;
  /** its name in a batch's `send_on_action` */
  readonly action: string | null;
  /** null: an action future */
  readonly timeout: Ms | null;
  /** the device of its owner whose syncs restart the timer */
  readonly heartbeat?: string | null;
  readonly fence: Fence;
  readonly nonce: Nonce;
}

/** What became of adding a future to a group. */
export type AddAnswer =
  | { readonly kind: 'added'; readonly group: Group; readonly future: FutureId }
  /** an action future where no timeout future is alive, or a group that already has its event */
  | { readonly kind: 'conflict'; readonly why: 'no-timeout-future' | 'already-sent' | 'being-sent' }
  /** the group was over, and nobody had written it down: it is now, so the name is free; add again */
  | { readonly kind: 'closed' }
  | OverLimit;

/** One of the limits of users, groups or state keys is reached; nothing was added. */
export interface OverLimit {
  readonly kind: 'over-limit';
  readonly limit: 'pendingPerUser' | 'contentBytesPerUser' | 'futuresPerGroup' | 'futuresPerStateKey';
  readonly maximum: number;
  /** until the owner's next future is due; null: none has a timer */
  readonly retryAfter: Ms | null;
}

/** A scheduled future, its timer running from now. */
export function newFuture(asked: NewFuture, id: FutureId, world: World): Future {
  return {
    id,
    nonce: asked.nonce,
    generation: asked.generation,
    draft: asked.draft,
    action: asked.action,
    heartbeat: asked.heartbeat ?? null,
    timeout: asked.timeout,
    deadline: asked.timeout === null ? null : deadlineAfter(world.now, asked.timeout),
    fence: asked.fence,
    stateOrder: world.stateOrder,
    since: world.now,
    status: 'scheduled',
    outcome: null,
  };
}

/** Rounded up to the millisecond: rounding down would be early by a part of one. */
export function deadlineAfter(now: Instant, timeout: Ms): Instant {
  return Math.ceil(now + timeout);
}

/** Would these futures, in a group that already has `inGroup`, put their owner over a limit? */
export function overLimit(
  asked: readonly NewFuture[],
  inGroup: number,
  world: World,
  limits: Limits,
): OverLimit | null {
  const { usage } = world;
  const bytes = asked.reduce((sum, { draft }) => sum + contentBytes(draft), 0);
  const over = (limit: OverLimit['limit'], maximum: number): OverLimit => ({
    kind: 'over-limit',
    limit,
    maximum,
    retryAfter: usage.nextDeadline === null ? null : Math.max(1, Math.ceil(usage.nextDeadline - world.now)),
  });
  if (inGroup + asked.length > limits.futuresPerGroup) return over('futuresPerGroup', limits.futuresPerGroup);
  if (!limits.perUser) return null;
  if (usage.pending + asked.length > limits.pendingPerUser)
    return over('pendingPerUser', limits.pendingPerUser);
  if (usage.contentBytes + bytes > limits.contentBytesPerUser)
    return over('contentBytesPerUser', limits.contentBytesPerUser);
  const onKey = new Map<string, number>();
  for (const { draft } of asked) {
    const key = stateKeyOf(draft);
    if (key === null) continue;
    const name = JSON.stringify([key.room, key.type, key.key]);
    const count = (onKey.get(name) ?? usage.onKey(key)) + 1;
    if (count > limits.futuresPerStateKey) return over('futuresPerStateKey', limits.futuresPerStateKey);
    onKey.set(name, count);
  }
  return null;
}

/** The size of a draft's content as the limits and the stores count it. */
export function contentBytes(draft: Draft): number {
  return Buffer.byteLength(JSON.stringify(draft.content));
}

/**
 * Adds a future to its owner's group of that name, which a timeout future makes when it does not exist
 * (futures text of 6 June 2024, "Proposal": an action future needs a timeout future in its group).
 */
export function addFuture(
  found: Group | null,
  owner: UserId,
  name: string,
  asked: NewFuture,
  world: World,
  limits: Limits,
): { next: Group | null; answer: AddAnswer } {
  const group = found?.phase === 'open' ? bury(found, world, true) : found;
  const refuse = (answer: AddAnswer) => ({ next: group ?? found, answer });
  if (group?.phase === 'sent') return refuse({ kind: 'conflict', why: 'already-sent' });
  if (group?.phase === 'claimed' || group?.phase === 'staged')
    return refuse({ kind: 'conflict', why: 'being-sent' });
  const open = group?.phase === 'open' ? group : null;
  if (open === null && asked.timeout === null) return refuse({ kind: 'conflict', why: 'no-timeout-future' });
  // A decision is about one group: the one that is over has to stay, with its outcomes, beside the new one.
  if (group !== null && open === null) return refuse({ kind: 'closed' });
  const over = overLimit([asked], open?.futures.length ?? 0, world, limits);
  if (over !== null) return refuse(over);
  const future = newFuture(asked, world.newFutureId(), world);
  const next: Group = open
    ? { ...open, futures: [...open.futures, future] }
    : newGroup(owner, name, [future], world);
  return { next, answer: { kind: 'added', group: next, future: future.id } };
}

/** An open group with these futures in it. */
export function newGroup(owner: UserId, name: string, futures: readonly Future[], world: World): Group {
  return {
    id: world.newGroupId(),
    owner,
    name,
    phase: 'open',
    epoch: 0,
    claim: null,
    sendNow: null,
    futures,
    endedAt: null,
  };
}

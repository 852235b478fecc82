/**
 * Futures, groups and decisions made by hand. Nothing here knows the engine's rules: a store must do what any decision
 * says.
 */
import type {
  CancelReason,
  Capability,
  Claim,
  Decide,
  Draft,
  Future,
  FutureId,
  FutureStore,
  Generation,
  Group,
  GroupId,
  Instant,
  Outcome,
  StateKey,
  UserId,
  World,
} from '@matrix-futures/engine';

export const alice: UserId = '@alice:example.org';
export const bob: UserId = '@bob:example.org';
export const carol: UserId = '@carol:example.org';
export const room = '!room:example.org';
export const call = 'org.matrix.msc3401.call.member';

export function stateKey(key: string): StateKey {
  return { room, type: call, key };
}

export function draftOf(change: Partial<Draft> = {}): Draft {
  return {
    room,
    sender: alice,
    type: 'm.room.message',
    stateKey: null,
    content: { msgtype: 'm.text', body: 'later' },
    extras: {},
    ...change,
  };
}

/** A draft of state on `stateKey(key)`. */
export function stateDraft(key: string, sender: UserId = alice): Draft {
  return draftOf({ sender, type: call, stateKey: key, content: { memberships: [] } });
}

/** A scheduled timeout future of one second, but for what is said otherwise. */
export function futureOf(world: World, change: Partial<Future> = {}): Future {
  const id = world.newFutureId();
  const timeout = change.timeout === undefined ? 1000 : change.timeout;
  return {
    id,
    nonce: { high: (0xf000_0000 + id) >>> 0, low: (id * 2_654_435_761) >>> 0 },
    generation: 'futures',
    draft: draftOf(),
    action: null,
    heartbeat: null,
    timeout,
    deadline: timeout === null ? null : Math.ceil(world.now + timeout),
    fence: { kind: 'untold' },
    stateOrder: world.stateOrder,
    since: world.now,
    status: 'scheduled',
    outcome: null,
    ...change,
  };
}

export function groupOf(world: World, futures: readonly Future[], change: Partial<Group> = {}): Group {
  return {
    id: world.newGroupId(),
    owner: alice,
    name: 'group',
    phase: 'open',
    epoch: 0,
    claim: null,
    sendNow: null,
    futures,
    endedAt: null,
    ...change,
  };
}

export interface Scheduled extends Partial<Future> {
  readonly owner?: UserId;
  readonly name?: string;
}

/** Adds a future to its owner's group of that name, which is made when there is none. */
export function schedule(store: FutureStore, asked: Scheduled = {}): Promise<Future> {
  const { owner = alice, name = 'group', ...change } = asked;
  return store.change({ by: 'name', owner, name }, (found, world) => {
    const future = futureOf(world, { draft: draftOf({ sender: owner }), ...change });
    const next =
      found === null
        ? groupOf(world, [future], { owner, name })
        : { ...found, futures: [...found.futures, future] };
    return { next, answer: future };
  });
}

/** The whole of one group, by the future in it. */
export async function groupWith(store: FutureStore, future: FutureId): Promise<Group> {
  const found = await store.find(future);
  if (found === null) throw new Error(`no future ${future}`);
  return found.group;
}

export async function futureWith(store: FutureStore, id: FutureId): Promise<Future> {
  const found = await store.find(id);
  if (found === null) throw new Error(`no future ${id}`);
  return found.future;
}

/** Makes of a group what `edit` says. */
export function edit(
  store: FutureStore,
  future: FutureId,
  make: (group: Group, world: World) => Group | null,
): Promise<void> {
  return store.change({ by: 'future', future }, (found, world) => {
    if (found === null) throw new Error(`no group of future ${future}`);
    return { next: make(found, world), answer: undefined };
  });
}

export function withFuture(group: Group, id: FutureId, change: Partial<Future>): Group {
  return {
    ...group,
    futures: group.futures.map((future) => (future.id === id ? { ...future, ...change } : future)),
  };
}

export function finished(group: Group, id: FutureId, outcome: Outcome): Group {
  return withFuture(group, id, { status: 'finished', outcome });
}

export function cancelledBy(reason: CancelReason, at: Instant): Outcome {
  return { kind: 'cancelled', at, reason };
}

/** The group over, with an event of its first unfinished future (`sent`) or with none (`closed`). */
export function ended(group: Group, phase: 'sent' | 'closed', at: Instant): Group {
  const winner = phase === 'sent' ? group.futures.find(({ status }) => status !== 'finished')?.id : undefined;
  const futures = group.futures.map((future): Future => {
    if (future.status === 'finished') return future;
    const outcome: Outcome =
      future.id === winner ? { kind: 'sent', at, event: `$event-of-${future.id}` } : cancelledBy('group', at);
    return { ...future, status: 'finished', outcome };
  });
  return { ...group, phase, claim: null, endedAt: at, futures };
}

export function claimOf(winner: FutureId | null, leaseEnd: Instant, change: Partial<Claim> = {}): Claim {
  return {
    winner,
    cause: 'timer',
    node: 'node-1',
    leaseEnd,
    since: leaseEnd - 1000,
    timestamp: 1_765_000_000_000,
    taken: false,
    doomed: null,
    ...change,
  };
}

/** The group in a phase, with every field that the phase has. */
export function inPhase(group: Group, phase: Group['phase'], now: number): Group {
  const winner = group.futures[0]?.id ?? null;
  switch (phase) {
    case 'open':
      return group;
    case 'staged':
      return {
        ...group,
        phase,
        epoch: 1,
        claim: claimOf(null, now + 1000.5),
        sendNow: stateDraft('alice'),
        futures: group.futures.map((future) => ({
          ...future,
          status: 'staged',
          deadline: null,
          outcome: null,
        })),
      };
    case 'claimed':
      return {
        ...claimed(group, winner ?? 0, now + 1000.5),
        epoch: 4_000_000_000,
        claim: claimOf(winner, now + 1000.5, {
          cause: 'token',
          node: 'nöde "2"',
          taken: true,
          doomed: 'owner',
        }),
      };
    case 'sent':
    case 'closed':
      return ended(group, phase, now);
  }
}

export function claimed(group: Group, winner: FutureId, leaseEnd: Instant): Group {
  return { ...group, phase: 'claimed', epoch: group.epoch + 1, claim: claimOf(winner, leaseEnd) };
}

export function capability(future: Future, generation: Generation | null = null): Capability {
  return { future: future.id, nonce: future.nonce, generation };
}

/** Leaves a group as it is and answers with it. */
export const look: Decide<Group | null> = (group) => ({ next: group, answer: group });

export function groupById(store: FutureStore, group: GroupId): Promise<Group | null> {
  return store.change({ by: 'id', group }, look);
}

export function groupByName(store: FutureStore, name: string, owner: UserId = alice): Promise<Group | null> {
  return store.change({ by: 'name', owner, name }, look);
}

/** Reads the world that a decision over nothing sees. */
export function inWorld<R>(store: FutureStore, read: (world: World) => R, owner: UserId = alice): Promise<R> {
  return store.change({ by: 'name', owner, name: 'no such group' }, (_, seen) => ({
    next: null,
    answer: read(seen),
  }));
}

/** All of a list, page by page. */
export async function listed(
  store: FutureStore,
  filter: 'running' | 'finished',
  owner: UserId = alice,
): Promise<readonly { readonly future: Future; readonly groupName: string }[]> {
  const all: { readonly future: Future; readonly groupName: string }[] = [];
  let page: string | null = null;
  do {
    const { futures, next } = await store.list(owner, filter, page);
    all.push(...futures);
    page = next;
  } while (page !== null);
  return all;
}

export async function idsListed(
  store: FutureStore,
  filter: 'running' | 'finished',
  owner: UserId = alice,
): Promise<FutureId[]> {
  return (await listed(store, filter, owner)).map(({ future }) => future.id);
}

/** Sweeps until it is clean. */
export async function sweepAll(store: FutureStore, bury: Decide<void>, limit = 10): Promise<void> {
  for (let steps = 0; (await store.sweep(limit, bury)) > 0; steps += 1) {
    if (steps > 10_000) throw new Error('sweep never says that it is clean');
  }
}

/** For sweeps in which nothing is to be buried. */
export const buryNothing: Decide<void> = (group) => ({ next: group, answer: undefined });

/** Buries everything unfinished of the groups it is handed. */
export const buryAll: Decide<void> = (group, { now }) => ({
  next: group === null ? null : ended(group, 'closed', now),
  answer: undefined,
});

/** Futures and groups made by hand, and what is done to them. */
import type {
  Capability,
  Future,
  FutureId,
  FutureStore,
  Group,
  JsonObject,
  Outcome,
  StateKey,
  World,
} from '@matrix-futures/engine';

export const alice = '@alice:example.org';
export const bob = '@bob:example.org';

export function stateKey(key: string): StateKey {
  return { room: '!room:example.org', type: 'm.test', key };
}

export interface Asked {
  readonly owner?: string;
  readonly name?: string;
  readonly timeout?: number | null;
  /** null: a message */
  readonly key?: string | null;
  readonly content?: JsonObject;
  readonly generation?: Future['generation'];
}

export function newFuture(world: World, asked: Asked = {}): Future {
  const {
    owner = alice,
    timeout = 1_000,
    key = null,
    content = { body: 'later' },
    generation = 'futures',
  } = asked;
  const id = world.newFutureId();
  return {
    id,
    nonce: { high: 0xffff_0000 + (id % 1000), low: id },
    generation,
    draft: { room: '!room:example.org', sender: owner, type: 'm.test', stateKey: key, content, extras: {} },
    action: null,
    heartbeat: null,
    timeout,
    deadline: timeout === null ? null : Math.ceil(world.now + timeout),
    fence: { kind: 'untold' },
    stateOrder: world.stateOrder,
    since: world.now,
    status: 'scheduled',
    outcome: null,
  };
}

export function newGroup(world: World, futures: readonly Future[], owner = alice, name = 'group'): Group {
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

/** Adds a future to its owner's group of that name. */
export function schedule(store: FutureStore, asked: Asked = {}): Promise<Future> {
  const { owner = alice, name = 'group' } = asked;
  return store.change({ by: 'name', owner, name }, (found, world) => {
    const future = newFuture(world, asked);
    const next =
      found?.phase === 'open'
        ? { ...found, futures: [...found.futures, future] }
        : newGroup(world, [future], owner, name);
    return { next, answer: future };
  });
}

/** Makes of the future's group what `make` says; of one that is gone, nothing. */
export function edit(
  store: FutureStore,
  future: FutureId,
  make: (group: Group, world: World) => Group | null,
) {
  return store.change({ by: 'future', future }, (group, world) => ({
    next: group && make(group, world),
    answer: undefined,
  }));
}

/** The group over: its first pending future sent, the others cancelled. */
export function sent(group: Group, { now }: Pick<World, 'now'>): Group {
  const winner = group.futures.find(({ outcome }) => outcome === null)?.id;
  const futures = group.futures.map((future): Future => {
    if (future.outcome !== null) return future;
    const outcome: Outcome =
      future.id === winner
        ? { kind: 'sent', at: now, event: `$event-of-${future.id}` }
        : { kind: 'cancelled', at: now, reason: 'group' };
    return { ...future, status: 'finished', outcome };
  });
  return { ...group, phase: 'sent', claim: null, endedAt: now, futures };
}

export function closed(group: Group, world: Pick<World, 'now'>): Group {
  return { ...sent(group, world), phase: 'closed' };
}

export function claimed(group: Group, winner: FutureId, leaseEnd: number): Group {
  const claim = {
    winner,
    cause: 'timer',
    node: 'node',
    leaseEnd,
    since: 0,
    timestamp: 0,
    taken: false,
    doomed: null,
  } as const;
  return { ...group, phase: 'claimed', epoch: group.epoch + 1, claim };
}

export function capability({ id, nonce }: Future): Capability {
  return { future: id, nonce, generation: null };
}

export async function refresh(store: FutureStore, future: Future): Promise<number | null> {
  return (await store.refresh([capability(future)]))[0] ?? null;
}

export async function deadlineOf(store: FutureStore, id: FutureId): Promise<number | null> {
  return (await store.find(id))?.future.deadline ?? null;
}

export async function listed(
  store: FutureStore,
  owner: string,
  filter: 'running' | 'finished',
): Promise<FutureId[]> {
  const ids: FutureId[] = [];
  let page: string | null = null;
  do {
    const { futures, next } = await store.list(owner, filter, page);
    ids.push(...futures.map(({ future }) => future.id));
    page = next;
  } while (page !== null);
  return ids;
}

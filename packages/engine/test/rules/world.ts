import type { Claim, Draft, Future, Group, StateMark, World } from '../../src/index.ts';

export const alice = '@alice:example.org';
export const bob = '@bob:example.org';

export function draft(change: Partial<Draft> = {}): Draft {
  return { room: '!room', sender: alice, type: 'm.test', stateKey: null, content: {}, extras: {}, ...change };
}

export function future(id: number, change: Partial<Future> = {}): Future {
  return {
    id,
    nonce: { high: 0, low: id },
    generation: 'futures',
    draft: draft(),
    action: null,
    heartbeat: null,
    timeout: 1_000,
    deadline: 1_000,
    fence: { kind: 'untold' },
    stateOrder: 0,
    since: 0,
    status: 'scheduled',
    outcome: null,
    ...change,
  };
}

export function actionFuture(id: number): Future {
  return future(id, { timeout: null, deadline: null });
}

export function group(futures: readonly Future[], change: Partial<Group> = {}): Group {
  return {
    id: 1,
    owner: alice,
    name: 'call',
    phase: 'open',
    epoch: 0,
    claim: null,
    sendNow: null,
    futures,
    endedAt: null,
    ...change,
  };
}

export function claimed(winner: number, futures: readonly Future[], change: Partial<Claim> = {}): Group {
  const claim: Claim = {
    winner,
    cause: 'timer',
    node: 'A',
    leaseEnd: 60_000,
    since: 0,
    timestamp: 0,
    taken: false,
    doomed: null,
    ...change,
  };
  return group(futures, { phase: 'claimed', epoch: 1, claim });
}

export function world(change: Partial<World> = {}): World {
  return {
    now: 500,
    markOf: () => null,
    stateOrder: 0,
    ownerActive: true,
    usage: { pending: 0, contentBytes: 0, onKey: () => 0, nextDeadline: null },
    newFutureId: () => 99,
    newGroupId: () => 9,
    ...change,
  };
}

/** New state on every key, by `sender`, after all futures of these tests were made. */
export function afterStateBy(sender: string, lastByAnother: string | null = null): Partial<World> {
  const mark: StateMark = {
    last: { event: '$new', sender, order: 2 },
    lastByAnother: lastByAnother === null ? null : { event: '$before', sender: lastByAnother, order: 1 },
  };
  return { markOf: () => mark, stateOrder: 2 };
}

/** What became of each future, in a word. */
export function ends(of: Group | null): string[] {
  return (of?.futures ?? []).map(({ status, outcome }) =>
    outcome === null ? status : outcome.kind === 'cancelled' ? `cancelled(${outcome.reason})` : outcome.kind,
  );
}

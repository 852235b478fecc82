import { describe, expect, test } from 'vitest';
import { initial, steps, violation, type Setting, type State } from './model.ts';

interface Explored {
  readonly states: number;
  /** the way to the first state that breaks a rule */
  readonly broken: { readonly what: string; readonly way: readonly string[] } | null;
}

const bound = 400_000;

/** Breadth first, so that the way to a violation is a shortest one. */
function explore(setting: Setting): Explored {
  const first = initial(setting);
  const cameFrom = new Map<string, { readonly from: string; readonly by: string } | null>([
    [keyOf(first), null],
  ]);
  let frontier: State[] = [first];
  while (frontier.length > 0) {
    const next: State[] = [];
    for (const state of frontier) {
      const from = keyOf(state);
      for (const step of steps(state, setting)) {
        const key = keyOf(step.to);
        if (cameFrom.has(key)) continue;
        cameFrom.set(key, { from, by: step.name });
        const what = violation(step.to);
        if (what !== null) return { states: cameFrom.size, broken: { what, way: wayTo(key, cameFrom) } };
        if (cameFrom.size > bound) throw new Error(`more than ${bound} states`);
        next.push(step.to);
      }
    }
    frontier = next;
  }
  return { states: cameFrom.size, broken: null };
}

/** Epochs only ever grow; what matters is which run holds the current one. */
function keyOf(state: State): string {
  const { group, runs } = state;
  return JSON.stringify([
    group.phase,
    group.claim && [
      group.claim.winner,
      group.claim.cause,
      group.claim.node,
      group.claim.taken,
      group.claim.doomed,
    ],
    group.futures.map(({ status, deadline, outcome }) => [
      status,
      deadline,
      outcome?.kind,
      outcome?.kind === 'cancelled' ? outcome.reason : '',
    ]),
    [runs.A, runs.B].map(
      (run) => run && [run.epoch === group.epoch, run.certain, run.certainBefore, run.stage, run.winner],
    ),
    state.frozen,
    state.requests,
    state.events,
    state.remembered,
    state.stateArrived,
    state.left,
  ]);
}

function wayTo(
  key: string,
  cameFrom: ReadonlyMap<string, { readonly from: string; readonly by: string } | null>,
): string[] {
  const way: string[] = [];
  for (let at = cameFrom.get(key); at; at = cameFrom.get(at.from)) way.unshift(at.by);
  return way;
}

const once = { claims: 2, attempts: 2, crashes: 1, forgets: 1, freezes: 1, refreshes: 1 };
const oneNode = { nodes: ['A'], left: once } as const;
const twoNodes = { nodes: ['A', 'B'], left: { ...once, refreshes: 0, claims: 1 } } as const;

describe('a group of two timeout futures and an action future, every interleaving', () => {
  test.each([
    ['one node, a homeserver with a durable memory', { ...oneNode, memory: 'durable' }],
    ['one node, a homeserver that forgets', { ...oneNode, memory: 'forgets' }],
    ['two nodes, one freezing and waking, durable memory', { ...twoNodes, memory: 'durable' }],
  ] satisfies [string, Setting][])('keeps the rules: %s', (_, setting) => {
    const { states, broken } = explore(setting);
    expect(broken).toBeNull();
    expect(states).toBeGreaterThan(10_000);
  });

  test.each([
    ['refusal-after-unknown-is-unknown', { ...oneNode, memory: 'durable' }],
    ['look-waits', { ...oneNode, memory: 'forgets' }],
    ['taken-over-never-reopens', { ...twoNodes, memory: 'durable' }],
  ] satisfies [NonNullable<Setting['without']>, Setting][])(
    'finds the violation when a rule is left out: %s',
    (without, setting) => {
      expect(explore({ ...setting, without }).broken).not.toBeNull();
    },
  );
});
